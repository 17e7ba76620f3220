/// How much each event counts as an example to learn from: by what was done, and by how long ago.
/// Threads: values.
#pragma once

#include <map>
#include <vector>

#include "core/event.h"
#include "core/history.h"
#include "core/status.h"

namespace vitrine::train {

struct ExampleWeights {
  /// Types that are not named weigh 1. Below 0: the event takes that much from the newest earlier events of
  /// the same shopper and item, down to 0, and is no example itself, as one that hides the item.
  std::map<EventType, double> by_event;
  double half_life_days =
      0;  ///< a weight halves in so many days before the newest fitted event; 0: never

  /// True where every event weighs 1, now as ever: what is fitted then is what it is without weights.
  [[nodiscard]] bool plain() const;
};

/// Errors: kInvalidArgument (a type that is never an example: returns are applied when a snapshot is read; not finite,
///         beyond 1,000 in size, none above 0, a half-life below 0).
Status CheckExampleWeights(const ExampleWeights& weights);

/// The weight of each event of one history, 0 or more, by its own time where there is a half-life.
std::vector<float> WeightsOf(const History& history, const ExampleWeights& weights, Micros newest);

}  // namespace vitrine::train
