/// What the shopper had before, again: for shops whose goods are bought repeatedly.
#pragma once

#include <cstddef>
#include <memory>

#include "core/status.h"
#include "train/models/counting_model.h"

namespace vitrine::train {

struct PersonalOptions {
  double decay = 1;  ///< a history place weighs decay^age
};

/// score(j) = sum over history places with item j of decay^age, newest place first. It needs `age`
/// in baskets and one place per (item, basket): the FeatureSpec's options unit=basket and
/// distinct=true. Nothing is fitted but the width; equal scores (0 too) rank by popularity, because
/// items are numbered by it.
/// Errors: kInvalidArgument (decay outside (0, 1]).
Result<std::unique_ptr<CountingModel>> FitPersonal(std::size_t width,
                                                   const PersonalOptions& options);

}  // namespace vitrine::train
