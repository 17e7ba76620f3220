/// First-order Markov chain: what came right after the newest item, by counts.
#pragma once

#include <cstddef>
#include <memory>

#include "train/model.h"

namespace vitrine::train {

struct MarkovOptions {
  /// Keep only this many most frequent followers per item (equal ones: lower index); 0: all.
  std::size_t followers = 0;
};

/// score(j) = number of neighbouring places (i, j) in all histories, i being the item in the LAST
/// column of `history`; where that place is padding or unknown every score is 0.
/// Fit's errors: kCancelled, kResourceExhausted (more than 2^31 pairs).
std::unique_ptr<TrainableModel> MakeMarkov(const MarkovOptions& options);

/// "markov": followers.
ModelFactory MarkovFactory();

}  // namespace vitrine::train
