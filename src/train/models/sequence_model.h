/// A network that reads histories as a model: features, fit, scores, graph. Includes LibTorch: for .cc
/// files of networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/status.h"
#include "train/model.h"
#include "train/models/sequence_network.h"
#include "train/models/sequence_options.h"
#include "train/sequences.h"

namespace vitrine::train {

/// Makes the untrained network of a vocabulary of `items`, padding and unknown included.
using MakeNetwork = std::function<std::shared_ptr<SequenceNetwork>(std::int64_t items)>;

/// The same where the network needs more of what it is fitted on than the number of items.
/// Errors: kFailedPrecondition, kInvalidArgument (what it lacks).
using MakeNetworkOf =
    std::function<Result<std::shared_ptr<SequenceNetwork>>(const TrainingSequences& sequences)>;

/// Graph: `history` [B, L] int64 -> `query` [B, d] float32; the item vectors are the network's.
/// Fit's errors: kInvalidArgument (no history of two known items), and SequenceTrainer::Run's.
std::unique_ptr<TrainableModel> MakeSequenceModel(std::string algorithm,
                                                  const SequenceOptions& options, MakeNetwork make);
std::unique_ptr<TrainableModel> MakeSequenceModelOf(std::string algorithm,
                                                    const SequenceOptions& options,
                                                    MakeNetworkOf make);

}  // namespace vitrine::train
