/// What the trainer asks of a network that reads histories. Includes LibTorch: for .cc files of
/// networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <memory>

#include "core/status.h"
#include "graph/builder.h"
#include "train/models/dropout.h"

namespace vitrine::train {

/// A network makes a state of every place; scores are the states' products with the item vectors, which
/// are numbers learnt for each item (its own), or made of them and of what else is known of the item. The
/// same history must give the same states whatever padding stands left of it: batches hold like
/// lengths in training and any lengths in serving.
/// Threads: one.
class SequenceNetwork : public torch::nn::Module {
 public:
  /// `items`: vocabulary width, padding and unknown included. Item vectors are drawn from a normal
  /// distribution of standard deviation `spread`; rows 0 and 1 are zero and never trained.
  SequenceNetwork(std::int64_t items, std::int64_t width, double spread);

  /// Shapes: history [B, T] int64; embedded [B, T, d], the items' vectors at its places (zero at padding,
  /// unknown and hidden ones) -> [B, T, d]
  virtual torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) = 0;

  /// The vectors of `items` [m] int64 with `own` [m, d], their rows of `item`: [m, d], zero below
  /// kFirstItem.
  virtual torch::Tensor Vectors(const torch::Tensor& /*items*/, const torch::Tensor& own) {
    return own;
  }
  /// The vectors of all items, as of the last Refresh: [W, d].
  [[nodiscard]] virtual const torch::Tensor& vectors() const { return item; }
  /// The weights have changed and are asked for scores next: evaluation mode.
  virtual void Refresh() {}

  /// Writes `history` [batch, length] -> `query` [batch, d]: what Newest answers.
  virtual Status Export(graph::Builder& builder) = 0;

  /// The state that asks: of the newest known place (of the last place where none is known): [B, d].
  virtual torch::Tensor Newest(const torch::Tensor& history);
  /// Scores of every item: [B, W]. Rows of like length are computed together, without the padding
  /// left of them.
  torch::Tensor Scores(const torch::Tensor& history);

  torch::Tensor item;  ///< [W, d], a parameter without gradient: the trainer keeps its own gradient
};

/// 1 where a place holds a known item: [B, T] bool.
torch::Tensor Known(const torch::Tensor& history);

/// Added to the logits of places that may not be seen. Not infinity: a row without any seen place
/// must stay finite.
inline constexpr float kUnseen = -1e9F;

/// 0 where a place is known and not later, kUnseen where not: [B, 1, T, T].
torch::Tensor CausalMask(const torch::Tensor& history);

/// Attention of several heads. Shapes: joined [B, T, 3d] (queries, keys, values), mask [B, 1, T, T]
/// -> [B, T, d]; `dropout` acts on the attention weights.
torch::Tensor Attend(const torch::Tensor& joined, const torch::Tensor& mask, std::int64_t heads,
                     Dropout& dropout);

}  // namespace vitrine::train
