/// BERT4Rec: self-attention in both directions, trained by telling hidden places. LibTorch stays behind this
/// header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>

#include "train/model.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

/// What a BERT4Rec is trained by where nothing else is said.
inline SequenceOptions Bert4recTraining() {
  SequenceOptions options;
  options.loss = Loss::kSoftmax;
  options.learn = Learn::kMasked;
  return options;
}

struct Bert4recOptions {
  SequenceOptions train = Bert4recTraining();  ///< `learn` is kMasked, whatever stands there
  std::int64_t blocks = 2;
  std::int64_t heads = 2;  ///< divides train.width
};

/// Network: Sun et al., BERT4Rec: Sequential Recommendation with Bidirectional Encoder Representations from
/// Transformer, CIKM 2019, sections 3.3 to 3.5, with embeddings shared between input and output and without a
/// bias of each item. In training `train.mask` of a window's places are hidden, in `train.mask_newest` of
/// the windows the newest one alone (section 3.6). A history asks by a hidden place behind its newest
/// known one; padding, removed and unknown places are not seen.
/// Graph: as SASRec's (sasrec.h). Fit's errors: sequence_trainer.h.
std::unique_ptr<TrainableModel> MakeBert4rec(const Bert4recOptions& options);

/// "bert4rec" and its parameters.
ModelFactory Bert4recFactory();

}  // namespace vitrine::train
