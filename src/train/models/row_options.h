/// What every network over labelled rows is trained by: one set of settings for the family.
/// No LibTorch. Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"
#include "train/parameters.h"

namespace vitrine::train {

enum class RowLoss : std::uint8_t {
  kCrossEntropy,  ///< of label and probability
  kSquared,       ///< (probability - label)^2
};
enum class StepRule : std::uint8_t {
  kAdam,   ///< decay is a part of the gradient (L2)
  kAdamW,  ///< decay is decoupled
  kSgd,    ///< with momentum; decay is a part of the gradient
};

struct RowOptions {
  std::int64_t width = 16;   ///< of the vectors of levels and items
  double spread = 0.05;      ///< standard deviation that the vectors begin with
  bool share_items = false;  ///< places of a history have the vectors of the item column
  RowLoss loss = RowLoss::kCrossEntropy;
  StepRule optimiser = StepRule::kAdam;
  double learning_rate = 0.001;
  double momentum = 0.9;      ///< kSgd
  double weight_decay = 0;    ///< of the layers' matrices
  double vector_decay = 0;    ///< of the vectors that a step touches
  double dropout = 0;         ///< of hidden layers
  double clip = 5;            ///< gradients longer than this are shortened to it; 0: never
  double average = 0;         ///< decay a step of the averaged weights; 0: the newest weights
  std::int64_t batch = 256;   ///< rows a step
  std::int64_t epochs = 30;   ///< at most
  std::int64_t checks = 1;    ///< looks at the watched rows an epoch
  std::int64_t patience = 3;  ///< looks without a better one before it stops
  std::int64_t threads = 0;   ///< 0: one per core; bit-for-bit reproducible with 1
};

/// The parameters of a train spec that fill RowOptions, with `standard` as defaults.
std::vector<ParameterDef> RowParameters(const RowOptions& standard);
RowOptions RowOptionsOf(const Parameters& parameters);

/// Widths of hidden layers: "200, 80"; empty: no hidden layer.
/// Errors: kInvalidArgument (not whole numbers from 1 to 8192, more than 16: names the parameter).
Result<std::vector<std::int64_t>> WidthsOf(const std::string& algorithm,
                                           const std::string& parameter, const std::string& text);

}  // namespace vitrine::train
