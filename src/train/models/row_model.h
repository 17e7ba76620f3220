/// A network over labelled rows as a ranker: fit, probabilities, graph. Includes LibTorch: for .cc files
/// of networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <functional>
#include <memory>
#include <string>

#include "core/status.h"
#include "train/models/row_network.h"
#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

/// Makes the untrained network of the columns; may refuse them (kInvalidArgument).
using MakeRowNetwork = std::function<Result<std::shared_ptr<RowNetwork>>(RowLayout layout)>;

/// Fit's errors: those of `make`, CheckRows (train/ranker_rows.h) and RowTrainer::Run. `doc` says in the graph
/// what it is.
std::unique_ptr<TrainableRanker> MakeRowModel(std::string algorithm, std::string doc,
                                              const RowOptions& options, MakeRowNetwork make);

}  // namespace vitrine::train
