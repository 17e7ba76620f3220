/// A simulated shop's events as a log brings them: shoppers who browse, busier by day and on some
/// days than on others.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/time.h"
#include "monitor/contract/row_counter.h"
#include "simulate/shop.h"
#include "simulate/shoppers.h"

namespace vitrine {

inline constexpr std::int64_t kFeedHour = 3'600 * kMicrosPerSecond;
/// A Monday, 2026-03-02 00:00 UTC.
inline constexpr Micros kFeedStart{1'772'409'600 * kMicrosPerSecond};

struct Arrived {
  Event event;
  Micros received;
};

class ShopFeed {
 public:
  explicit ShopFeed(std::uint64_t seed)
      : shop_({.seed = seed, .products = 300, .shoppers = 600}, {0}),
        shoppers_(shop_, seed + 1),
        random_(seed + 2) {}

  [[nodiscard]] const simulate::Shop& shop() const { return shop_; }

  /// The events of the next hour, in the order in which they came.
  std::vector<Arrived> Next(double volume = 1) {
    const Micros from{kFeedStart.value + hour_ * kFeedHour};
    if (hour_ % 24 == 0) {
      std::normal_distribution<double> day(0, 0.08);
      day_ = std::exp(day(random_)) * (hour_ / 24 % 7 >= 5 ? 1.3 : 1.0);
    }
    const double clock =
        1 - 0.7 * std::cos(2 * std::numbers::pi * static_cast<double>(hour_ % 24) / 24);
    std::poisson_distribution<int> count(60 * day_ * clock * volume);
    ++hour_;
    std::vector<Arrived> out;
    for (Event& event : shoppers_.Browse(static_cast<std::size_t>(std::max(1, count(random_))),
                                         from, {from.value + kFeedHour - kMicrosPerSecond})) {
      event.event_id = "e-" + std::to_string(next_++);
      const auto lag = static_cast<std::int64_t>(simulate::Uniform(random_) * 2e6);
      const Micros received{event.ts.value + lag};
      out.push_back({std::move(event), received});
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Arrived& a, const Arrived& b) { return a.received < b.received; });
    return out;
  }

  /// When the next hour begins.
  [[nodiscard]] Micros now() const { return {kFeedStart.value + hour_ * kFeedHour}; }

  [[nodiscard]] monitor::KnownIds KnownIds() const {
    return {.item =
                [this](std::string_view id) {
                  monitor::CatalogueFacts facts;
                  const std::size_t at = shop_.Find(std::string(id));
                  if (at < shop_.products().size()) {
                    const Item& item = shop_.products()[at].item;
                    facts.known = true;
                    facts.price = item.price;
                    item.currency.copy(facts.currency.data(), 3);
                  }
                  return facts;
                },
            .user = nullptr};
  }

  std::mt19937_64& random() { return random_; }

 private:
  simulate::Shop shop_;
  simulate::Shoppers shoppers_;
  std::mt19937_64 random_;
  std::int64_t hour_ = 0;
  std::uint64_t next_ = 0;
  double day_ = 1;
};

}  // namespace vitrine
