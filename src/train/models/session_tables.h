/// Inside session_knn: histories cut into sessions, as item weights.
#pragma once

#include <utility>
#include <vector>

#include "train/models/session_knn.h"
#include "train/sequences.h"

namespace vitrine::train {

/// One session: when it ended and the weights of its items, rising.
struct WeightedSession {
  Micros end;
  std::vector<std::pair<ItemIndex, double>> items;
  double squares = 0;  ///< sum of the weights' squares
};

/// All sessions with a known item, by user, then time.
/// Errors: kInvalidArgument (an item outside the vocabulary).
Result<std::vector<WeightedSession>> SessionsOf(const TrainingSequences& sequences,
                                                const SessionKnnOptions& options);

/// log(1 + sessions / sessions with the item), 0 where no session has it; [width].
std::vector<double> IdfOf(const std::vector<WeightedSession>& sessions, std::size_t width);

}  // namespace vitrine::train
