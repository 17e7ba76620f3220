/// The linear and the pairwise part of a factorisation machine, which FM and DeepFM share. Includes
/// LibTorch: for .cc files of networks only. Threads: one.
#pragma once

#include "train/models/torch_headers.h"

#include "train/models/network_graph.h"
#include "train/models/row_network.h"

namespace vitrine::train {

/// Vectors hold a linear weight first, then k factors: columns [B, M, 1 + k] ->
/// sum of linear weights + (|sum of factors|^2 - sum of |factors|^2) / 2: [B, 1]
torch::Tensor FactorPairs(const torch::Tensor& columns);
graph::Value FactorPairs(graph::Builder& b, const graph::Value& columns);

}  // namespace vitrine::train
