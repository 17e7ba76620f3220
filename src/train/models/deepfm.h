/// DeepFM: a factorisation machine and hidden layers over the same vectors. LibTorch stays behind this
/// header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

struct DeepFmOptions {
  RowOptions train;
  std::vector<std::int64_t> hidden = {64, 32};
};

/// logit = FM (fm.h) + hidden layers (ReLU) over the factors of all columns side by side: Guo et al.,
/// DeepFM, IJCAI 2017, section 2.
/// Fit's errors: row_model.h.
std::unique_ptr<TrainableRanker> MakeDeepFm(const DeepFmOptions& options);

/// "deepfm" and its parameters.
RankerFactory DeepFmFactory();

}  // namespace vitrine::train
