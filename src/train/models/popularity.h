/// Popularity: how many users (or baskets) have the item. The floor under every other model, and
/// the answer for shoppers nothing is known of.
#pragma once

#include <memory>

#include "core/status.h"
#include "train/models/counting_model.h"
#include "train/sequences.h"

namespace vitrine::train {

struct PopularityOptions {
  enum class Count { kUsers, kBaskets };
  Count count = Count::kUsers;
  /// Weight 0.5^(days before the newest event / half life); 0: every count weighs 1.
  /// A user (or basket) counts with its newest event of the item.
  double half_life_days = 0;
};

/// Score of item j: the (decayed) number of distinct users, or (user, basket) pairs, with j; the
/// same for every row.
/// Errors: kInvalidArgument (half life below 0), kFailedPrecondition (a half life on ordinal time).
Result<std::unique_ptr<CountingModel>> FitPopularity(const TrainingSequences& sequences,
                                                     const PopularityOptions& options);

}  // namespace vitrine::train
