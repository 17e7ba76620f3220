/// Popularity: how many users (or baskets) have the item. The floor under every other model, and
/// the answer for shoppers nothing is known of.
#pragma once

#include <cstddef>
#include <memory>

#include "train/model.h"

namespace vitrine::train {

struct PopularityOptions {
  enum class Count { kUsers, kBaskets };
  Count count = Count::kUsers;
  /// Weight 0.5^(days before the newest event / half life); 0: every count weighs 1.
  /// A user (or basket) counts with its newest event of the item.
  double half_life_days = 0;
};

/// score(j) = (decayed) number of distinct users, or (user, basket) pairs, with j; the same for
/// every row. Graph: `history` (for its number of rows) -> `scores`.
/// Fit's errors: kFailedPrecondition (a half life on ordinal time), kInvalidArgument (below 0).
std::unique_ptr<TrainableModel> MakePopularity(const PopularityOptions& options);

/// "popularity": count = users|baskets, half_life_days.
ModelFactory PopularityFactory();

}  // namespace vitrine::train
