/// Items that predict each other together: a linear model in closed form.
/// LibTorch stays behind this header (its file is compiled by g++ only).
#pragma once

#include <cstddef>
#include <memory>

#include "train/model.h"
#include "train/models/neighbour_model.h"

namespace vitrine::train {

struct EaseOptions {
  double regularisation = 100;   ///< lambda
  std::size_t items = 4000;      ///< first of the vocabulary that take part: the most popular ones
  std::size_t neighbours = 200;  ///< items of highest weight kept per item
  double user_power = 0;         ///< a user of n items counts n^-this
  PlaceWeights places = {.decay = 0.7, .unit = "position", .length = 50};
};

/// G = X'X + lambda I over the items that take part, X users x items of 0 and 1; P = G^-1;
/// table(i, j) = -P(i, j) / P(j, j), i != j, where above 0; all other rows are empty. The score:
/// train/models/neighbour_model.h (decay = 1 is the paper's).
/// Fit's errors: kInvalidArgument (options), kCancelled (not within the inverse), kResourceExhausted.
/// Work: items^3, not divided; memory: 8 * items^2 bytes.
/// Source:  Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019, section 3.1.
std::unique_ptr<TrainableModel> MakeEase(const EaseOptions& options);

/// "ease" and its parameters.
ModelFactory EaseFactory();

}  // namespace vitrine::train
