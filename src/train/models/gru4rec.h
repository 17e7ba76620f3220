/// GRU4Rec: a recurrent network reads the history, next item as the inner product with item embeddings.
/// LibTorch stays behind this header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "train/model.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

struct Gru4recOptions {
  SequenceOptions train;
  std::int64_t hidden = 128;  ///< numbers that the cell carries from place to place
  std::string cell = "gru";   ///< or "lstm"
};

/// Network: Hidasi et al., Session-based Recommendations with Recurrent Neural Networks, ICLR 2016,
/// with one cell (GRU: Cho et al., 2014; LSTM: Hochreiter & Schmidhuber, 1997), its state projected to
/// the embeddings' width. The cell reads the known places only, one after another: padding, removed
/// and unknown places are skipped.
/// Graph: as SASRec's (sasrec.h). Fit's errors: sequence_trainer.h.
std::unique_ptr<TrainableModel> MakeGru4rec(const Gru4recOptions& options);

/// "gru4rec" and its parameters.
ModelFactory Gru4recFactory();

}  // namespace vitrine::train
