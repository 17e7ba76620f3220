/// SASRec: self-attention over the history, next item as the inner product with item embeddings.
/// LibTorch stays behind this header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "train/model.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

struct SasrecOptions {
  SequenceOptions train;
  std::int64_t blocks = 2;
  std::int64_t heads = 2;        ///< divides train.width
  std::string block = "sasrec";  ///< or "ligr"
};

/// Network: Kang & McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, section III (here
/// with layer normalisation before each part, and embeddings shared between input and output).
/// block = "ligr": what each part adds is gated by sigmoid(W x), and the feed-forward part is SwiGLU
/// (Borisyuk et al., LiGR, 2025; with sampled softmax it is eSASRec: Tikhonovich et al., RecSys 2025).
/// Graph:  `history` [B, L] int64 -> `query` [B, d] float32; the item vectors are the embeddings. The
///         newest known place asks; places that are padding, removed or unknown are not seen.
/// Fit's errors: sequence_trainer.h.
std::unique_ptr<TrainableModel> MakeSasrec(const SasrecOptions& options);

/// "sasrec" and its parameters.
ModelFactory SasrecFactory();

}  // namespace vitrine::train
