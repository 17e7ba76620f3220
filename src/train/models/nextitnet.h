/// NextItNet: dilated causal convolutions over the history, next item as the inner product with item
/// embeddings. LibTorch stays behind this header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>

#include "train/model.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

struct NextitnetOptions {
  SequenceOptions train;
  std::int64_t blocks = 3;  ///< of two convolutions; block b has the dilations 4^b and 2 * 4^b
};

/// Network: Yuan et al., A Simple Convolutional Generative Network for Next Item Recommendation, WSDM
/// 2019, section 3: residual blocks of two convolutions of three places (figure 3b), each followed by
/// layer normalisation and ReLU. Places that are padding, removed or unknown enter a convolution as
/// zero, as what lies before the history does.
/// Graph: as SASRec's (sasrec.h). Fit's errors: sequence_trainer.h.
std::unique_ptr<TrainableModel> MakeNextitnet(const NextitnetOptions& options);

/// "nextitnet" and its parameters.
ModelFactory NextitnetFactory();

}  // namespace vitrine::train
