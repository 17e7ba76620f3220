// Real logs in time: a model of the first half serves the second.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "bench/estimate_replay.h"
#include "bench/monitor_estimate.h"

namespace vitrine::bench {
namespace {

/// Where the replay's time begins, and how much faster it runs: two days of a log are an hour, a window.
constexpr std::int64_t kFaster = 48;
constexpr std::int64_t kBegin = 1'000'000 * kMicrosPerSecond;

Micros ReplayTime(std::int64_t seconds, std::int64_t first) {
  return {kBegin + (seconds - first) * kMicrosPerSecond / kFaster};
}

struct Rating {
  int user = 0;
  int item = 0;
  int stars = 0;
  std::int64_t ts = 0;
};

std::vector<Rating> ReadRatings(const std::string& path) {
  std::ifstream file(path);
  std::vector<Rating> ratings;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream row(line);
    Rating rating;
    double stars = 0;
    double ts = 0;
    row >> rating.user >> rating.item >> stars >> ts;
    rating.stars = static_cast<int>(stars);
    rating.ts = static_cast<std::int64_t>(ts);
    ratings.push_back(rating);
  }
  std::sort(ratings.begin(), ratings.end(), [](const Rating& a, const Rating& b) {
    return std::tie(a.ts, a.user, a.item) < std::tie(b.ts, b.user, b.item);
  });
  return ratings;
}

struct Mean {
  double sum = 0;
  double n = 0;
  [[nodiscard]] double Drawn(double to, double by) const { return (sum + to * by) / (n + by); }
};

/// Ten ratings of one user in a row are a list, ordered by a bias model of the first half; 4 stars and more are a click.
std::vector<Replayed> MovieLens(const std::vector<Rating>& ratings) {
  const std::size_t half = ratings.size() / 2;
  Mean all;
  std::map<int, Mean> items;
  std::map<int, Mean> users;
  for (std::size_t i = 0; i < half; ++i) {
    for (Mean* mean : {&all, &items[ratings[i].item], &users[ratings[i].user]}) {
      mean->sum += ratings[i].stars >= 4 ? 1 : 0;
      mean->n += 1;
    }
  }
  const double middle = all.sum / all.n;
  std::map<int, std::vector<Rating>> open;
  std::vector<Replayed> log;
  for (std::size_t i = half; i < ratings.size(); ++i) {
    std::vector<Rating>& list = open[ratings[i].user];
    list.push_back(ratings[i]);
    if (list.size() < 10) {
      continue;
    }
    std::vector<std::pair<double, Rating>> ranked;
    for (const Rating& rating : list) {
      ranked.emplace_back(items[rating.item].Drawn(middle, 5) + users[rating.user].Drawn(middle, 5),
                          rating);
    }
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return std::tie(b.first, a.second.ts, a.second.item) <
             std::tie(a.first, b.second.ts, b.second.item);
    });
    Replayed one;
    one.answer.request_id = fmt::format("{}-{}", ratings[i].user, i);
    one.answer.subject = fmt::format("{}", ratings[i].user);
    one.answer.model = "bias:1";
    one.answer.scene = "rank";
    one.answer.ts = ReplayTime(list.front().ts, ratings[half].ts);
    for (const auto& [score, rating] : ranked) {
      one.answer.items.push_back({fmt::format("{}", rating.item), score, "model"});
    }
    for (std::size_t place = 0; place < ranked.size(); ++place) {
      if (ranked[place].second.stars >= 4) {
        one.events.push_back(ClickOn(one.answer, place, 1));
      }
    }
    log.push_back(std::move(one));
    list.clear();
  }
  return log;
}

struct Basket {
  std::int64_t ts = 0;
  std::string invoice;
  int customer = 0;
  std::set<std::string> items;
};

std::vector<std::string> Fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

// By the rules of SOURCE.md: a customer, no cancellation, something bought at a price, a stock code of five digits.
std::vector<Basket> ReadBaskets(const std::string& path) {
  std::map<std::string, Basket> by_invoice;
  const gzFile file = gzopen(path.c_str(), "rb");
  std::string line;
  std::array<char, 4096> buffer{};
  while (file != nullptr && gzgets(file, buffer.data(), buffer.size()) != nullptr) {
    line += buffer.data();
    if (line.back() != '\n') {
      continue;
    }
    line.pop_back();
    const std::vector<std::string> f = Fields(line);
    line.clear();
    if (f.size() != 8 || f[6].empty() || f[0].starts_with("C") || std::atof(f[3].c_str()) <= 0 ||
        std::atof(f[5].c_str()) <= 0 || f[1].size() < 5 ||
        !std::all_of(f[1].begin(), f[1].begin() + 5, [](char c) { return c >= '0' && c <= '9'; })) {
      continue;
    }
    std::tm time{};
    if (::strptime(f[4].c_str(), "%Y-%m-%d %H:%M:%S", &time) == nullptr) {
      continue;
    }
    Basket& basket = by_invoice[f[0]];
    basket.ts = ::timegm(&time);
    basket.customer = static_cast<int>(std::atof(f[6].c_str()));
    basket.items.insert(f[1]);
  }
  if (file != nullptr) {
    gzclose(file);
  }
  std::vector<Basket> baskets;
  for (auto& [invoice, basket] : by_invoice) {
    basket.invoice = invoice;
    baskets.push_back(std::move(basket));
  }
  std::sort(baskets.begin(), baskets.end(), [](const Basket& a, const Basket& b) {
    return std::tie(a.ts, a.invoice) < std::tie(b.ts, b.invoice);
  });
  return baskets;
}

/// Before each basket twenty items are shown, by how often the customer and all bought them; those in it are clicked.
std::vector<Replayed> Retail(const std::vector<Basket>& baskets) {
  const std::size_t half = baskets.size() / 2;
  std::map<std::string, double> popular;
  std::map<int, std::map<std::string, double>> personal;
  std::vector<Replayed> log;
  for (std::size_t i = 0; i < baskets.size(); ++i) {
    const Basket& basket = baskets[i];
    std::map<std::string, double>& own = personal[basket.customer];
    if (i >= half) {
      std::map<std::string, double> scores;
      for (const auto& [item, n] : popular) {
        scores[item] = std::log1p(n) / 4;
      }
      for (const auto& [item, n] : own) {
        scores[item] += std::log1p(4 * n);
      }
      std::vector<std::pair<double, std::string>> ranked;
      for (const auto& [item, score] : scores) {
        ranked.emplace_back(-score, item);
      }
      std::partial_sort(ranked.begin(), ranked.begin() + 20, ranked.end());
      Replayed one;
      one.answer.request_id = fmt::format("basket-{}", i);
      one.answer.subject = fmt::format("{}", basket.customer);
      one.answer.model = "personal-top:1";
      one.answer.scene = "home";
      one.answer.ts = ReplayTime(basket.ts, baskets[half].ts);
      for (std::size_t place = 0; place < 20; ++place) {
        one.answer.items.push_back({ranked[place].second, -ranked[place].first, "model"});
      }
      for (std::size_t place = 0; place < 20; ++place) {
        if (basket.items.contains(ranked[place].second)) {
          one.events.push_back(ClickOn(one.answer, place, 1));
        }
      }
      log.push_back(std::move(one));
    }
    for (const std::string& item : basket.items) {
      own[item] +=
          1;  // a shopper's history is a feature of the request; what is popular is the model's
      if (i < half) {
        popular[item] += 1;
      }
    }
  }
  return log;
}

}  // namespace

void MeasureReplayedEstimates(std::vector<Bar>& bars) {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  const std::string data = std::string(root == nullptr ? "" : root) + "/data/";
  const std::vector<Rating> ratings = ReadRatings(data + "ml-100k/ml-100k.inter");
  if (ratings.empty()) {
    std::printf("ml-100k is not there: set VITRINE_TEST_DATA\n");
  } else {
    ReplayEstimates("ml-100k", MovieLens(ratings), bars);
  }
  const std::vector<Basket> baskets = ReadBaskets(data + "online-retail/online_retail.csv.gz");
  if (baskets.empty()) {
    std::printf("online-retail is not there: set VITRINE_TEST_DATA\n");
  } else {
    ReplayEstimates("online-retail", Retail(baskets), bars);
  }
}

}  // namespace vitrine::bench
