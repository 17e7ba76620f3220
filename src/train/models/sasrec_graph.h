/// SASRec as an ONNX graph. Included by sasrec*.cc only.
#pragma once

#include "train/models/torch_headers.h"

#include "core/status.h"
#include "graph/builder.h"
#include "train/models/sasrec_network.h"

namespace vitrine::train {

/// Writes `history` [batch, length] -> `query` [batch, d] with the network's weights. Scores are its
/// products with the rows of the item table.
Status ExportSasrec(const SasrecOptions& options, SasrecNetworkImpl& network,
                    graph::Builder& builder);

}  // namespace vitrine::train
