#include "bench/scale_log.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string_view>

#include "core/check.h"

namespace vitrine::bench {
namespace {

constexpr std::uint64_t kFiles = 8;
constexpr std::uint64_t kCategories = 1000;
constexpr std::int64_t kStart = 1'609'459'200;  // 2021-01-01: the longest history ends before 2025
constexpr std::int64_t kYear = 365LL * 86'400;

constexpr std::string_view kMapping = R"(name = "scale"
description = "A simulated log, for costs"

[[events]]
files = ["events-*.csv"]
format = "csv"

[events.fields]
event = "event"
user_id = "user_id"
item_id = "item_id"
ts = { column = "ts", format = "unix_s" }

[[items]]
files = ["items.csv"]
format = "csv"

[items.fields]
id = "item_id"
title = "title"
categories = "category"
price = "price"
)";

/// SplitMix64's finaliser (Steele et al., OOPSLA 2014): an item's companions follow from its number.
std::uint64_t Mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double Unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

class Shoppers {
 public:
  explicit Shoppers(const ScaleLog& log)
      : items_(log.items), log_items_(std::log(static_cast<double>(log.items))) {}

  /// An item by its rank: the share of rank r is about 1 / (r ln items).
  [[nodiscard]] std::uint64_t Draw(std::uint64_t bits) const {
    const auto rank = static_cast<std::uint64_t>(std::exp(Unit(bits) * log_items_));
    return std::min(rank, items_) - 1;
  }

  [[nodiscard]] std::uint64_t Next(std::uint64_t item, std::mt19937_64& random) const {
    const std::uint64_t kind = random() % 8;
    if (kind < 4) {
      return Draw(Mix(item * 4 + random() % 4));  // a companion, itself by the long tail
    }
    if (kind < 6) {
      const std::uint64_t category = item % kCategories;
      const std::uint64_t drawn = Draw(random());
      return std::min(drawn - drawn % kCategories + category, items_ - 1);
    }
    return Draw(random());
  }

 private:
  std::uint64_t items_;
  double log_items_;
};

/// Three quarters exponential, one quarter with a heavy tail; the mean is `mean`.
std::uint64_t LengthOf(double mean, std::mt19937_64& random) {
  const double unit = 1 - Unit(random());
  const double value =
      random() % 4 == 0 ? mean * 0.5 / std::pow(unit, 1 / 2.0) : mean * -std::log(unit);
  return static_cast<std::uint64_t>(std::clamp(std::ceil(value), 1.0, 60 * mean));
}

void WriteItems(const ScaleLog& log, const std::string& folder) {
  std::ofstream file(folder + "/items.csv", std::ios::binary);
  file << "item_id,title,category,price\n";
  for (std::uint64_t i = 0; i < log.items; ++i) {
    file << 'i' << i << ",Simulated item " << i << ",c" << i % kCategories << ','
         << 1 + static_cast<double>(Mix(i) % 10'000) / 100 << '\n';
  }
  CHECK(file.flush().good());
}

void WriteUser(std::uint64_t user, std::uint64_t length, const Shoppers& shoppers,
               std::mt19937_64& random, std::string& text) {
  const std::string id = std::to_string(user);
  std::int64_t ts = kStart + static_cast<std::int64_t>(random() % kYear);
  std::uint64_t item = shoppers.Draw(random());
  for (std::uint64_t e = 0; e < length; ++e) {
    const std::uint64_t kind = random() % 100;
    text += kind < 80 ? "view,u" : kind < 92 ? "cart,u" : "purchase,u";
    text += id;
    text += ",i";
    text += std::to_string(item);
    text += ',';
    text += std::to_string(ts);
    text += '\n';
    item = shoppers.Next(item, random);
    // Visits of minutes, days apart.
    ts += static_cast<std::int64_t>(random() % 5 == 0 ? random() % 604'800 : 20 + random() % 120);
  }
}

}  // namespace

WrittenLog WriteScaleLog(const ScaleLog& log, const std::string& folder) {
  std::ofstream(folder + "/mapping.toml") << kMapping;
  WriteItems(log, folder);
  const Shoppers shoppers(log);
  const double mean = static_cast<double>(log.events) / static_cast<double>(log.users);
  WrittenLog written;
  std::string text;
  for (std::uint64_t f = 0; f < kFiles; ++f) {
    std::mt19937_64 random(Mix(log.seed * kFiles + f));
    std::ofstream file(folder + "/events-0" + std::to_string(f) + ".csv", std::ios::binary);
    file << "event,user_id,item_id,ts\n";
    for (std::uint64_t user = f; user < log.users; user += kFiles) {
      const std::uint64_t length = LengthOf(mean, random);
      written.events += length;
      written.pairs += static_cast<double>(length) * static_cast<double>(length);
      WriteUser(user, length, shoppers, random, text);
      if (text.size() > (std::size_t{1} << 20)) {
        written.bytes += text.size();
        file << text;
        text.clear();
      }
    }
    written.bytes += text.size();
    file << text;
    text.clear();
    CHECK(file.flush().good());
  }
  return written;
}

}  // namespace vitrine::bench
