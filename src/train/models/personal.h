/// What the shopper had before, again: for shops whose goods are bought repeatedly.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "train/model.h"

namespace vitrine::train {

struct PersonalOptions {
  double decay = 1;             ///< a history place weighs decay^age
  std::string unit = "basket";  ///< of age: "basket" (an item counts once a basket) or "position"
  std::size_t length = 8192;    ///< newest places looked at: whole histories, in most shops
};

/// score(j) = sum over history places with item j of decay^age, newest place first. Nothing is
/// fitted but the width; equal scores (0 too) rank by popularity, as items are numbered by it.
/// Fit's errors: kInvalidArgument (decay outside (0, 1], unknown unit).
std::unique_ptr<TrainableModel> MakePersonal(const PersonalOptions& options);

/// "personal": decay, unit, length.
ModelFactory PersonalFactory();

}  // namespace vitrine::train
