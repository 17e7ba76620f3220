/// MLP: hidden layers over the columns of a row. LibTorch stays behind this header (its files are
/// compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

struct MlpOptions {
  RowOptions train;
  std::vector<std::int64_t> hidden = {64, 32};
};

/// Vectors of levels and items, the mean vector of each history's known places, and numbers side by
/// side, then hidden layers (ReLU), then one logit. Three numbers and hidden = {5} is the textbook's
/// 3-5-1 net.
/// Fit's errors: row_model.h.
std::unique_ptr<TrainableRanker> MakeMlp(const MlpOptions& options);

/// "mlp" and its parameters.
RankerFactory MlpFactory();

}  // namespace vitrine::train
