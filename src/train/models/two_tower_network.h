/// The two towers as a LibTorch module and as ONNX. Included by two_tower*.cc only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>

#include "train/models/item_features.h"
#include "train/models/network_graph.h"
#include "train/models/sequence_network.h"
#include "train/models/two_tower.h"
#include "train/sequences.h"

namespace vitrine::train {

class TwoTowerNetwork final : public SequenceNetwork {
 public:
  /// `features` has a row for each index of the vocabulary.
  TwoTowerNetwork(const TwoTowerOptions& options, const TrainingSequences& sequences,
                  const ItemFeatures& features);

  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override;
  Status Export(graph::Builder& builder) override;

  torch::Tensor Vectors(const torch::Tensor& items, const torch::Tensor& own) override;
  [[nodiscard]] const torch::Tensor& vectors() const override { return vectors_; }
  void Refresh() override;

 private:
  /// Weighted vectors of the items' features: [m, d].
  torch::Tensor Content(const torch::Tensor& items);
  graph::Value WritePooled(NetworkGraph& graph, const graph::Value& history,
                           const graph::Value& embedded);

  bool attention_;
  double own_dropout_;
  // Features of all items, row after row.
  torch::Tensor begin_;     // [W + 1] int64
  torch::Tensor feature_;   // [entries] int64
  torch::Tensor weight_;    // [entries] float32
  torch::Tensor had_;       // [W, 1] float32: 1 where somebody had the item
  torch::Tensor vectors_;   // [W, d]
  torch::Tensor features_;  // [features, d]
  torch::Tensor age_;       // [length]: added to an attention logit by age in places
  torch::nn::Linear content_in_{nullptr};
  torch::nn::Linear content_out_{nullptr};
  torch::nn::Linear place_{nullptr};  // W of the attention
  torch::nn::Linear look_{nullptr};   // u
  torch::nn::Linear query_in_{nullptr};
  torch::nn::Linear query_out_{nullptr};
  Dropout dropout_{nullptr};
};

}  // namespace vitrine::train
