/// Logistic regression: log(p / (1 - p)) = bias + a weight for each number, each value of a level, each
/// item as the candidate, and, for a history, the mean of its items' weights.
#pragma once

#include "train/ranker.h"

namespace vitrine::train {

/// The likeliest weights under an L2 penalty of `l2` / 2 * (sum of squared weights, the bias free, numbers
/// as if of deviation 1), found by L-BFGS: one answer for equal rows, whatever the seed.
RankerFactory LrFactory();

}  // namespace vitrine::train
