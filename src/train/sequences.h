/// What models are fitted on: every user's history in one vocabulary, already cut by the protocol.
#pragma once

#include <cstddef>
#include <vector>

#include "core/catalogue.h"
#include "core/history.h"

namespace vitrine::train {

/// Histories hold ItemIndex (kUnknownItem where the vocabulary lacks the id; never padding), oldest
/// first; what a protocol holds out is not in them. Users without a row left may be present, empty.
struct TrainingSequences {
  std::vector<History> users;
  /// Of each event of `users` as an example, 0 or more; empty: all 1. An event that weighs 0 is still part of the
  /// history that others are learnt from. Only models whose factory says so read them.
  std::vector<std::vector<float>> weights = {};
  std::size_t width = kFirstItem;  ///< vocabulary width, padding and unknown included
  bool ordinal_time = false;       ///< `ts` is a place in a sequence, not a time
  /// The catalogue's row of each ItemIndex, null where it has none; empty where no catalogue is given. The
  /// rows outlive the fit and no longer: a model keeps what it needs of them.
  std::vector<const Item*> items;
};

}  // namespace vitrine::train
