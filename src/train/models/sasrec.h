/// SASRec: self-attention over the history, next item as the inner product with item embeddings.
/// LibTorch stays behind this header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>

#include "train/model.h"

namespace vitrine::train {

struct SasrecOptions {
  std::int64_t length = 50;  ///< newest places kept
  std::int64_t width = 64;   ///< of the embeddings, d
  std::int64_t blocks = 2;
  std::int64_t heads = 2;  ///< divides width
  double dropout = 0.3;
  double learning_rate = 0.001;
  std::int64_t batch = 128;         ///< histories a step, of like length
  std::int64_t negatives = 512;     ///< sampled items that all places of a step share
  std::int64_t epochs = 120;        ///< at most
  std::int64_t patience = 4;        ///< validations without a better one before it stops
  std::int64_t validate_every = 4;  ///< epochs
  std::int64_t threads = 0;         ///< 0: one per core; bit-for-bit reproducible with 1
};

/// Network: Kang & McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, section III (here
/// with layer normalisation before each part, and embeddings shared between input and output).
/// Loss: softmax over the target and `negatives` items drawn uniformly once a step, negatives'
/// logits corrected by log(items / negatives) (Jean et al., ACL 2015, section 3.1); optimiser Adam
/// (Kingma & Ba, 2015). Histories of like length stand in one batch, so that little is padding.
/// Graph:  `history` [B, L] int64 -> `query` [B, d] float32; the item vectors are the embeddings. The
///         newest known place asks; places that are padding, removed or unknown are not seen.
/// Fit's errors: kInvalidArgument (no history of two known items), kCancelled (the checkpoint is
///         written), kDataLoss (the loss is no longer finite: lower the learning rate).
std::unique_ptr<TrainableModel> MakeSasrec(const SasrecOptions& options);

/// "sasrec" and its parameters.
ModelFactory SasrecFactory();

}  // namespace vitrine::train
