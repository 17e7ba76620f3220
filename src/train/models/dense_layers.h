/// Hidden layers one after another, as a LibTorch module and as ONNX. Includes LibTorch: for .cc files of
/// networks only. Threads: one.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "train/models/network_graph.h"

namespace vitrine::train {

/// x -> activation(W x + b) for each width, dropout after each: relu, or prelu (one slope a layer,
/// learnt; He et al., ICCV 2015).
class DenseLayersImpl : public torch::nn::Module {
 public:
  DenseLayersImpl(std::int64_t in, const std::vector<std::int64_t>& widths, double dropout,
                  bool prelu = false);
  /// Shapes: [..., in] -> [..., out()]
  torch::Tensor forward(torch::Tensor x);
  graph::Value Write(NetworkGraph& graph, const std::string& name, graph::Value x);
  /// Width of the last layer; `in` where there is none.
  [[nodiscard]] std::int64_t out() const { return out_; }

 private:
  std::int64_t out_;
  std::vector<torch::nn::Linear> layers_;
  std::vector<torch::nn::PReLU> slopes_;  // empty: relu
  torch::nn::Dropout dropout_{nullptr};
};
TORCH_MODULE(DenseLayers);

}  // namespace vitrine::train
