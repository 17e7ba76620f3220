/// What the shop's visitors turn to now: counts of events by item with exponential decay, kept from
/// the log's listener. The order of the fallback where no model is loaded, or where a scene asks.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/event.h"
#include "core/guarded.h"
#include "core/time.h"
#include "data/event_log.h"
#include "serve/item_space.h"

namespace vitrine::serve {

struct TrendingOptions {
  double half_life_days = 7;
  /// Weight of one item of an event, by type; impressions, searches and returns count nothing.
  double view = 1;
  double interest = 2;  ///< cart, favourite, like, share, rating
  double purchase = 4;
};

/// Threads: every method from any thread.
class Trending {
 public:
  explicit Trending(data::EventLog& log, TrendingOptions options = {});

  /// Counts an event; ignores other records.
  void Apply(const data::LogRecord& record);
  /// Adds the decayed count of every item of `space` to scores[index].
  /// Precondition: scores.size() >= space.width().
  void AddTo(const ItemSpace& space, Micros now, std::span<double> scores) const;

 private:
  struct Counts {
    Micros origin;  // weights are relative to this moment
    bool started = false;
    std::vector<double> by_number;
  };
  [[nodiscard]] double WeightOf(EventType type) const;

  data::EventLog& log_;
  TrendingOptions options_;
  Guarded<Counts> counts_;
};

}  // namespace vitrine::serve
