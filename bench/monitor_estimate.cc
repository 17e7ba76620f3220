#include "bench/monitor_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/estimate_replay.h"
#include "monitor/attribution.h"
#include "simulate/shoppers.h"

namespace vitrine::bench {
namespace {

constexpr std::size_t kShown = 10;
constexpr std::size_t kCandidates = 40;
constexpr std::size_t kAnswersAnHour = 600;
constexpr int kHours = 72;
constexpr int kChangeAt = 36;

/// A CTR scorer that counts: how often an item is clicked, and how often a shopper clicks a category.
class CountingScorer {
 public:
  CountingScorer(std::size_t shoppers, std::size_t items, std::size_t categories)
      : categories_(categories), items_(items), tastes_(shoppers * categories) {}

  void Learn(std::size_t shopper, std::size_t item, std::size_t category, bool clicked) {
    for (Counts* counts : {&items_[item], &tastes_[shopper * categories_ + category]}) {
      counts->shown += 1;
      counts->clicked += clicked ? 1 : 0;
    }
  }
  [[nodiscard]] double Score(std::size_t shopper, std::size_t item, std::size_t category) const {
    const Counts& taste = tastes_[shopper * categories_ + category];
    return std::log((items_[item].clicked + 1) / (items_[item].shown + 30)) +
           std::log((taste.clicked + 0.5) / (taste.shown + 15));
  }

 private:
  struct Counts {
    double shown = 0;
    double clicked = 0;
  };
  std::size_t categories_;
  std::vector<Counts> items_;
  std::vector<Counts> tastes_;
};

enum class Change { kNone, kWorseCandidates, kDrift, kTurn };

class SimulatedShop {
 public:
  explicit SimulatedShop(std::uint64_t seed)
      : shop_({.seed = seed, .products = 2000, .shoppers = 3000}, Micros{0}),
        shoppers_(shop_, seed),
        random_(seed),
        scorer_(3000, 2000, shop_.categories()) {
    for (int visit = 0; visit < 150'000;
         ++visit) {  // lists at random: what the model is trained on
      const std::size_t s = simulate::Pick(random_, shoppers_.size());
      const std::vector<std::size_t> shown = AtRandom(kShown);
      Learn(s, shown, shoppers_.Click(s, shown));
    }
  }

  std::vector<Replayed> Serve(Change change) {
    std::vector<Replayed> log;
    for (int hour = 0; hour < kHours; ++hour) {
      if (change == Change::kDrift && hour >= kChangeAt && hour % 4 == 0) {
        shoppers_.ShiftTastes(0.05);  // twice: tastes move on, fashion is where it was
        shoppers_.ShiftTastes(0.05);
      }
      if (change == Change::kTurn && hour == kChangeAt) {
        shoppers_.ShiftTastes(0.5);
      }
      const bool worse = change == Change::kWorseCandidates && hour >= kChangeAt;
      for (std::size_t i = 0; i < kAnswersAnHour; ++i) {
        log.push_back(Answer(hour, i, worse));
      }
    }
    return log;
  }

 private:
  std::vector<std::size_t> AtRandom(std::size_t n) {
    std::vector<std::size_t> items;
    while (items.size() < n) {
      const std::size_t item = simulate::Pick(random_, shop_.products().size());
      if (std::find(items.begin(), items.end(), item) == items.end()) {
        items.push_back(item);
      }
    }
    return items;
  }
  void Learn(std::size_t s, const std::vector<std::size_t>& shown,
             const std::vector<std::size_t>& clicked) {
    for (std::size_t place = 0; place < shown.size(); ++place) {
      const bool hit = std::find(clicked.begin(), clicked.end(), place) != clicked.end();
      scorer_.Learn(s, shown[place], shop_.products()[shown[place]].category, hit);
    }
  }

  Replayed Answer(int hour, std::size_t number, bool worse) {
    const std::size_t s = simulate::Pick(random_, shoppers_.size());
    std::vector<std::size_t> items = AtRandom(worse ? kShown + 2 : kCandidates);
    std::vector<std::pair<double, std::size_t>> ranked;
    for (const std::size_t item : items) {
      ranked.emplace_back(scorer_.Score(s, item, shop_.products()[item].category), item);
    }
    std::sort(ranked.rbegin(), ranked.rend());
    ranked.resize(kShown);
    Replayed one;
    Impression& answer = one.answer;
    answer.request_id = fmt::format("{}-{}", hour, number);
    answer.subject = shoppers_.shopper(s).id;
    answer.model = "counting:1";
    answer.scene = "home";
    answer.ts = {(1'000 + hour) * std::int64_t{3600} * kMicrosPerSecond +
                 static_cast<std::int64_t>(number) * 6 * kMicrosPerSecond};
    items.clear();
    for (const auto& [score, item] : ranked) {
      answer.items.push_back({shop_.products()[item].item.id, score, "model"});
      items.push_back(item);
    }
    for (const std::size_t place : shoppers_.Click(s, items)) {
      one.events.push_back(
          ClickOn(answer, place, static_cast<std::int64_t>(simulate::Pick(random_, 1200))));
    }
    return one;
  }

  simulate::Shop shop_;
  simulate::Shoppers shoppers_;
  std::mt19937_64 random_;
  CountingScorer scorer_;
};

}  // namespace

void MeasureSimulatedEstimates(std::vector<Bar>& bars) {
  const std::pair<Change, const char*> shops[] = {
      {Change::kNone, "simulated, nothing changes"},
      {Change::kWorseCandidates, "simulated, worse candidates from window 37"},
      {Change::kDrift, "simulated, tastes drift from window 37"},
      {Change::kTurn, "simulated, tastes turn at window 37"}};
  for (const auto& [change, name] : shops) {
    ReplayEstimates(name, SimulatedShop(7).Serve(change), bars);
  }
}

void MeasureEstimateCost(std::vector<Bar>& bars) {
  const std::vector<Replayed> log = SimulatedShop(8).Serve(Change::kNone);
  monitor::QualityEstimates estimates(
      {5, 10, 20}, {Micros{1800 * kMicrosPerSecond}, Micros{1800 * kMicrosPerSecond}});
  const std::string row = "counting:1\nhome";
  std::map<monitor::HourRow, monitor::QualityCounts> hours;
  std::vector<monitor::AnswerScores> scores(log.size());
  const auto answers = [&](std::size_t from, std::size_t until) {
    for (std::size_t i = from; i < until; ++i) {
      estimates.OnAnswer(row, log[i].answer, 1000, log[i].answer.ts, scores[i]);
      estimates.OnLabels(monitor::Label::kClick, scores[i], i % 7 == 0 ? 1 : 0, 0, 1000);
      estimates.OnLabels(monitor::Label::kPurchase, scores[i], i % 70 == 0 ? 1 : 0, 0, 1000);
    }
  };
  answers(0, 5000);
  monitor::QualityCounts counted;
  counted.answers = 5000;
  hours[{1000, row}] = counted;
  estimates.Advance({1002 * std::int64_t{3600} * kMicrosPerSecond}, hours);
  std::vector<double> times;
  for (int round = 0; round < 21; ++round) {
    times.push_back(SecondsPerCall(1, [&] {
      for (std::size_t i = 5000; i < 25'000; ++i) {
        estimates.OnAnswer(row, log[i].answer, 1003, log[i].answer.ts, scores[i]);
        estimates.OnLabels(monitor::Label::kClick, scores[i], 0, 0, 1003);
        estimates.OnLabels(monitor::Label::kPurchase, scores[i], 0, 0, 1003);
      }
    }));
  }
  bars.push_back({.bar = "estimating an answer of 10 places, labels told",
                  .value = Median(times) / 20'000 * 1e9,
                  .unit = "ns",
                  .bound = 0,
                  .pairs = 21,
                  .spread = Spread(times)});
}

}  // namespace vitrine::bench
