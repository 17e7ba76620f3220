/// A network that starts from an earlier version's weights. Includes LibTorch: for .cc files of networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <vector>

#include "core/status.h"
#include "train/models/sequence_network.h"
#include "train/network_weights.h"
#include "train/sequences.h"
#include "train/warm_start.h"

namespace vitrine::train {

/// All weights but the item vectors, in LibTorch's order.
std::vector<NetworkWeight> WeightsOf(const SequenceNetwork& network);

/// Sets every weight to the predecessor's. An item that is new gets the mean vector of the items that the catalogue
/// says are like it (brand and category; else category; else brand), else of all: it stands where its kind stands,
/// and training moves it from there.
/// Errors: kInvalidArgument (a weight is missing, is one too many or has another shape: names it and both shapes);
///         nothing has changed then.
Status StartFrom(const WarmStart& warm, const TrainingSequences& sequences,
                 SequenceNetwork& network);

}  // namespace vitrine::train
