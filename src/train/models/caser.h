/// Caser: convolutions over the newest places, next item as the inner product with item embeddings.
/// LibTorch stays behind this header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>

#include "train/model.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

struct CaserOptions {
  SequenceOptions train;
  std::int64_t window = 5;       ///< newest places that a place looks at, L
  std::int64_t horizontal = 16;  ///< filters of each height from 1 to L
  std::int64_t vertical = 4;     ///< filters over the window's places
};

/// Network: Tang & Wang, Personalized Top-N Sequential Recommendation via Convolutional Sequence Embedding,
/// WSDM 2018, sections 3.1 and 3.2, at every place of a history at once: filters of all heights over the
/// window's vectors, the largest answer of each, and weighted sums of its places, through a hidden layer.
/// Without vectors of users, so that shoppers who came later are answered too, and with the embeddings
/// shared between input and output. Places before the history, and those that are padding, removed or
/// unknown, are zero.
/// Graph: as SASRec's (sasrec.h). Fit's errors: sequence_trainer.h.
std::unique_ptr<TrainableModel> MakeCaser(const CaserOptions& options);

/// "caser" and its parameters.
ModelFactory CaserFactory();

}  // namespace vitrine::train
