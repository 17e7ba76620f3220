/// Dropout as torch::nn::Dropout has it, at a fraction of its time: LibTorch draws a double for every
/// number, one after another. Includes LibTorch: for .cc files of networks only.
#pragma once

#include "train/models/torch_headers.h"

namespace vitrine::train {

class DropoutImpl : public torch::nn::Module {
 public:
  /// `rate`: share left out, below 1.
  explicit DropoutImpl(double rate) : rate_(rate) {}
  /// In training x times 0 or 1 / (1 - rate), drawn from LibTorch's generator's next number; else x.
  torch::Tensor forward(const torch::Tensor& x);

 private:
  double rate_;
};
TORCH_MODULE(Dropout);

}  // namespace vitrine::train
