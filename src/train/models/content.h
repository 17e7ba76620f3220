/// Items that are alike by what the catalogue says of them: no event is needed, so new items are found too.
#pragma once

#include <cstddef>
#include <memory>

#include "train/model.h"
#include "train/models/item_features.h"
#include "train/models/neighbour_model.h"

namespace vitrine::train {

struct ContentOptions {
  FieldWeights fields;
  std::size_t widest = 5000;     ///< features of more items are left out
  std::size_t neighbours = 100;  ///< most similar items kept per item
  double popularity_power = 0;   ///< table(i, j) times (1 + users with j)^this
  PlaceWeights places = {.decay = 0.7, .unit = "position", .length = 20};
};

/// table(i, j) = cosine of the two items' features (train/models/item_features.h), i != j. The score:
/// train/models/neighbour_model.h. Needs TrainingSequences::items.
/// Fit's errors: kFailedPrecondition (no catalogue, or it says nothing of any item), kInvalidArgument (options),
///               kCancelled, kResourceExhausted. Work: sum over features of (items with it)^2, at most `widest` each.
/// Source:  Lops, de Gemmis & Semeraro, Content-based recommender systems, in: Recommender Systems Handbook, 2011,
///          section 3.3.1 (TF-IDF profiles and cosine).
std::unique_ptr<TrainableModel> MakeContent(const ContentOptions& options);

/// "content" and its parameters.
ModelFactory ContentFactory();

}  // namespace vitrine::train
