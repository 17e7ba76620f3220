/// BSARec: self-attention mixed with a low-pass filter over the history.
/// LibTorch stays behind this header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "train/model.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

struct BsarecOptions {
  SequenceOptions train{.dropout = 0.5, .loss = Loss::kSoftmax, .learning_rate = 0.001};
  std::int64_t blocks = 2;
  std::int64_t heads = 1;     ///< divides train.width
  double filter = 0.7;        ///< alpha: the filter's share of a block, attention has the rest
  std::int64_t cutoff = 5;    ///< c: the lowest c / 2 + 1 frequencies pass
  std::string sees = "past";  ///< or "all": places also see what follows them
};

/// Network: Shin et al., An Attentive Inductive Bias for Sequential Recommendation beyond the
/// Self-Attention, AAAI 2024, section 4: a block is alpha * filter + (1 - alpha) * attention, then a
/// feed-forward part; the filter is low + beta^2 * (x - low), low the part of x below the cut-off of
/// the discrete Fourier transform of `length` places. Attention is causal, as published.
///
/// The transform and its inverse are one constant Toeplitz matrix: low[t] = sum over s of g(t - s)
/// x[s], g periodic in `length`. Places that are padding, removed or unknown enter it as zero, so
/// that a state does not depend on how much padding stands left of the history. (Published: padding
/// enters as the embeddings of its positions.)
///   sees = "all"   every s, as published. A place sees what follows it, so the newest place alone can
///                  learn, from every beginning of a history: about as many times the work as a history
///                  is long on average.
///   sees = "past"  s <= t only. The newest place's filter is the same; every place learns at once.
/// Graph: as SASRec's (sasrec.h). Fit's errors: sequence_trainer.h.
std::unique_ptr<TrainableModel> MakeBsarec(const BsarecOptions& options);

/// "bsarec" and its parameters.
ModelFactory BsarecFactory();

}  // namespace vitrine::train
