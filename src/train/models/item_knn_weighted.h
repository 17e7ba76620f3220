/// Inside item_knn: similarity where users weigh differently or the denominator is not the cosine's.
#pragma once

#include <memory>

#include "train/models/item_knn.h"

namespace vitrine::train {

/// See train/models/item_knn.h. Fit's errors: also kInvalidArgument (an option out of its bounds).
std::unique_ptr<TrainableModel> MakeWeightedItemKnn(const ItemKnnOptions& options);

}  // namespace vitrine::train
