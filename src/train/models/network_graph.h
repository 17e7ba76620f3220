/// The parts that networks have in common, as ONNX. Includes LibTorch: for .cc files of networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <string>

#include "graph/builder.h"

namespace vitrine::train {

/// Writes what the LibTorch modules compute, with their weights. Threads: one.
class NetworkGraph {
 public:
  explicit NetworkGraph(graph::Builder& builder) : b_(builder) {}

  graph::Value Weight(const std::string& name, const torch::Tensor& weight);
  graph::Value Norm(const std::string& name, const graph::Value& x, torch::nn::LayerNorm& norm);
  graph::Value Linear(const std::string& name, const graph::Value& x, torch::nn::Linear& linear);
  /// x * sigmoid(x)
  graph::Value Silu(const graph::Value& x);
  /// x * (1 + erf(x / sqrt 2)) / 2
  graph::Value Gelu(const graph::Value& x);

  /// The input `history` [batch, length] int64.
  graph::Value History();
  /// Its number of places.
  graph::Value Length(const graph::Value& history);
  /// [B, T] bool
  graph::Value Known(const graph::Value& history);
  /// Places length - T to length - 1: int64 [T]. The newest place is the last one.
  graph::Value PlacesFromTheEnd(const graph::Value& history, std::int64_t length);
  /// As CausalMask (sequence_network.h): [B, 1, T, T].
  graph::Value CausalMask(const graph::Value& history);
  /// As Attend: joined [B, T, 3d], mask [B, 1, T, T] -> [B, T, d].
  graph::Value Attend(const graph::Value& joined, const graph::Value& mask, std::int64_t heads,
                      std::int64_t width);
  /// The state of the newest known place, or of the last place: [B, T, d] -> [B, d].
  graph::Value Newest(const graph::Value& states, const graph::Value& history);

  graph::Builder& builder() { return b_; }

 private:
  graph::Builder& b_;
};

}  // namespace vitrine::train
