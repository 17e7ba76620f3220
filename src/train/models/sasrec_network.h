/// The network of SASRec as a LibTorch module and as ONNX. Included by sasrec*.cc only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <string>
#include <vector>

#include "train/models/network_graph.h"
#include "train/models/sasrec.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {

/// One block: x + g(x) attention(norm(x)), then x + g'(x) feed-forward(norm(x)); the gates g are 1 in
/// SASRec's own block.
class SasrecBlockImpl : public torch::nn::Module {
 public:
  explicit SasrecBlockImpl(const SasrecOptions& options);
  /// Shapes: x [B, T, d], mask [B, 1, T, T] (0 where seen, very negative where not) -> [B, T, d]
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask);
  graph::Value Export(NetworkGraph& graph, const std::string& name, const graph::Value& x,
                      const graph::Value& mask);

 private:
  std::int64_t heads_;
  bool gated_;
  torch::nn::LayerNorm attention_norm_{nullptr};
  torch::nn::Linear query_key_value_{nullptr};  // d -> 3d
  torch::nn::Linear attention_out_{nullptr};
  torch::nn::LayerNorm feed_norm_{nullptr};
  torch::nn::Linear feed_in_{nullptr};
  torch::nn::Linear feed_out_{nullptr};
  Dropout dropout_{nullptr};
  // Of the gated block only.
  torch::nn::Linear attention_gate_{nullptr};
  torch::nn::Linear feed_gate_{nullptr};
  torch::nn::Linear feed_linear_{nullptr};  // SwiGLU: feed_out(silu(feed_in(x)) * feed_linear(x))
};
TORCH_MODULE(SasrecBlock);

class SasrecNetwork final : public SequenceNetwork {
 public:
  /// `items`: vocabulary width, padding and unknown included.
  SasrecNetwork(const SasrecOptions& options, std::int64_t items);

  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override;
  Status Export(graph::Builder& builder) override;

 private:
  std::int64_t length_;
  torch::nn::Embedding position_{nullptr};  // [length, d]; the last row is the newest place
  std::vector<SasrecBlock> blocks_;
  torch::nn::LayerNorm final_norm_{nullptr};
  Dropout dropout_{nullptr};
};

}  // namespace vitrine::train
