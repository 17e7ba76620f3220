/// SASRec as an ONNX graph. Included by sasrec*.cc only.
#pragma once

#include "train/models/torch_headers.h"

#include "core/status.h"
#include "graph/builder.h"
#include "train/models/sasrec_network.h"

namespace vitrine::train {

/// Writes `history` [batch, length] -> `scores` [batch, W] with the network's weights.
Status ExportSasrec(const SasrecOptions& options, SasrecNetworkImpl& network,
                    graph::Builder& builder);

}  // namespace vitrine::train
