/// The network of SASRec as a LibTorch module. Included by sasrec*.cc only.
#pragma once

#include "train/models/torch_headers.h"

#include <vector>

#include "train/models/sasrec.h"

namespace vitrine::train {

/// One block: x + attention(norm(x)), then x + feed-forward(norm(x)).
class SasrecBlockImpl : public torch::nn::Module {
 public:
  explicit SasrecBlockImpl(const SasrecOptions& options);
  /// Shapes: x [B, T, d], mask [B, 1, T, T] (0 where seen, very negative where not) -> [B, T, d]
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask);

  torch::nn::LayerNorm attention_norm{nullptr};
  torch::nn::Linear query_key_value{nullptr};  // d -> 3d
  torch::nn::Linear attention_out{nullptr};
  torch::nn::LayerNorm feed_norm{nullptr};
  torch::nn::Linear feed_in{nullptr};
  torch::nn::Linear feed_out{nullptr};

 private:
  std::int64_t heads_;
  torch::nn::Dropout dropout_{nullptr};
};
TORCH_MODULE(SasrecBlock);

class SasrecNetworkImpl : public torch::nn::Module {
 public:
  /// `items`: vocabulary width, padding and unknown included.
  SasrecNetworkImpl(const SasrecOptions& options, std::int64_t items);

  /// Shapes: history [B, T] int64, T <= length -> [B, T, d], one state a place.
  torch::Tensor forward(const torch::Tensor& history);
  /// The state of the newest known place (of the last place where none is known): [B, d].
  torch::Tensor Newest(const torch::Tensor& history);
  /// Scores of every item: [B, W].
  torch::Tensor Scores(const torch::Tensor& history);

  torch::nn::Embedding item{nullptr};      // [W, d]; rows 0 and 1 stay zero
  torch::nn::Embedding position{nullptr};  // [length, d]; the last row is the newest place
  std::vector<SasrecBlock> blocks;
  torch::nn::LayerNorm final_norm{nullptr};

 private:
  std::int64_t length_;
  torch::nn::Dropout dropout_{nullptr};
};
TORCH_MODULE(SasrecNetwork);

/// Added to the logits of places that may not be seen. Not infinity: a row without any seen place
/// must stay finite.
inline constexpr float kUnseen = -1e9F;
inline constexpr double kNormEpsilon = 1e-8;

}  // namespace vitrine::train
