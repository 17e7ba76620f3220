/// The network of BSARec as a LibTorch module and as ONNX. Included by bsarec*.cc only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <string>
#include <vector>

#include "train/models/bsarec.h"
#include "train/models/network_graph.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {

/// The low-pass filter of `length` places as a matrix: row t, column s is the weight of place s in the
/// low part of place t. `past`: 0 above the diagonal. Shapes: [length, length]
torch::Tensor LowPass(std::int64_t length, std::int64_t cutoff, bool past);

class BsarecBlockImpl : public torch::nn::Module {
 public:
  explicit BsarecBlockImpl(const BsarecOptions& options);
  /// Shapes: x [B, T, d], low [T, T], known [B, T, 1] (1 or 0), mask [B, 1, T, T] -> [B, T, d]
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& low,
                        const torch::Tensor& known, const torch::Tensor& mask);
  graph::Value Export(NetworkGraph& graph, const std::string& name, const graph::Value& x,
                      const graph::Value& low, const graph::Value& known, const graph::Value& mask);

 private:
  double share_;
  std::int64_t heads_;
  torch::Tensor beta_;  // [d]
  torch::nn::LayerNorm filter_norm_{nullptr};
  torch::nn::Linear query_key_value_{nullptr};  // d -> 3d
  torch::nn::Linear attention_out_{nullptr};
  torch::nn::LayerNorm attention_norm_{nullptr};
  torch::nn::Linear feed_in_{nullptr};
  torch::nn::Linear feed_out_{nullptr};
  torch::nn::LayerNorm feed_norm_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(BsarecBlock);

class BsarecNetwork final : public SequenceNetwork {
 public:
  /// `items`: vocabulary width, padding and unknown included.
  BsarecNetwork(const BsarecOptions& options, std::int64_t items);

  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override;
  Status Export(graph::Builder& builder) override;

 private:
  std::int64_t length_;
  torch::Tensor low_;                       // [length, length]
  torch::nn::Embedding position_{nullptr};  // [length, d]; the last row is the newest place
  torch::nn::LayerNorm embedding_norm_{nullptr};
  std::vector<BsarecBlock> blocks_;
  Dropout dropout_{nullptr};
};

}  // namespace vitrine::train
