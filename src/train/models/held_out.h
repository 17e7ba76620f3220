/// The newest basket of each history held out, so that what is fitted on the rest can be judged on it.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <vector>

#include "core/history.h"
#include "core/status.h"
#include "train/sequences.h"

namespace vitrine::train {

struct HeldOut {
  TrainingSequences rest;
  /// By user: distinct known items of the basket that was held out, rising; empty where none was.
  std::vector<std::vector<ItemIndex>> targets;

  [[nodiscard]] std::size_t lists() const;
};

/// Forgets the `later` newest baskets of every history, then takes the newest one that is left off every
/// history that has others before. A history keeps its oldest basket, whatever it is.
/// Errors: kInvalidArgument (no history has a basket to hold out with a known item in it).
Result<HeldOut> HoldOutNewest(const TrainingSequences& sequences, std::size_t later = 0);

/// Of the targets, the share that stands in the user's own rest.
double RepeatShare(const HeldOut& held);

/// Takes targets that stand in the user's own rest out.
void DropRepeats(HeldOut& held);

}  // namespace vitrine::train
