/// What the counting models share: the features they read and how a batch of them is checked.
/// A counting model computes in float64, so that equal scores are equal in training, evaluation and
/// serving; its graph computes bit for bit what its Score does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "data/feature_spec.h"
#include "graph/builder.h"

namespace vitrine::train {

/// How a counting model sees a history.
struct HistoryShape {
  std::size_t length = 512;  ///< newest places kept
  std::string age_unit;      ///< "position", "basket"; empty: the model reads no ages
  bool distinct = false;     ///< one place per (item, basket)
};

/// `history` and, where the unit is set, `age`.
std::vector<data::FeatureDef> HistoryFeatures(const HistoryShape& shape);

/// A checked batch. items and ages are [rows, length]; ages are empty where not asked for.
struct HistoryBatch {
  std::span<const std::int64_t> items;
  std::span<const std::int64_t> ages;
  std::size_t rows = 0;
  std::size_t length = 0;
};

/// Errors: kInvalidArgument (tensor missing, type, shape; an item outside [0, width)).
Result<HistoryBatch> ReadHistories(std::span<const Tensor> inputs, bool with_ages,
                                   std::size_t width);

/// Makes `scores` a zeroed [rows, width] float64 tensor and gives its values.
std::span<double> ResetScores(const HistoryBatch& batch, std::size_t width, Tensor& scores);

/// decay^age; AgeWeights is the same in a graph.
double AgeWeight(double decay, std::int64_t age);

/// The parts that counting graphs share: `history` and `age` [batch, length] int64, and the output
/// `scores` [batch, width] float64.
graph::Value HistoryInput(graph::Builder& b);
graph::Value AgeInput(graph::Builder& b);
/// decay^age in float64, in the shape of `ages`.
graph::Value AgeWeights(graph::Builder& b, double decay, const graph::Value& ages);
/// Zeros [batch, width] float64.
graph::Value ZeroScores(graph::Builder& b, const graph::Value& history, std::size_t width);
void ScoresOutput(graph::Builder& b, const graph::Value& scores, std::size_t width);

}  // namespace vitrine::train
