/// What the trainer asks of a network over labelled rows. Includes LibTorch: for .cc files of networks
/// only. Threads: one.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "graph/builder.h"
#include "train/models/network_graph.h"
#include "train/models/row_layout.h"

namespace vitrine::train {

/// B rows, levels and places as rows of a table of vectors.
struct RowIndexes {
  torch::Tensor numbers;              ///< [B, N] float32
  torch::Tensor levels;               ///< [B, F] int64
  std::vector<torch::Tensor> places;  ///< a history: [B, T] int64
  std::vector<torch::Tensor>
      known;  ///< a history: [B, T] float32, 1 where an item is known, else 0
};

/// The rows of `features` that `rows` ([B] int64) names. Precondition: CheckColumns.
RowIndexes IndexesOf(const RowLayout& layout, std::span<const Tensor> features,
                     const torch::Tensor& rows);

/// B rows as a network reads them; w numbers a vector.
struct RowVectors {
  torch::Tensor numbers;              ///< [B, N]
  torch::Tensor levels;               ///< [B, F, w]
  std::vector<torch::Tensor> places;  ///< a history: [B, T, w], zero where no item is known
  std::vector<torch::Tensor> known;   ///< a history: [B, T]
};
RowVectors VectorsOf(const RowIndexes& indexes, const torch::Tensor& table);

/// The same in a graph; levels are [B, w] each.
struct RowValues {
  graph::Value numbers;  ///< empty where there is none
  std::vector<graph::Value> levels;
  std::vector<graph::Value> places;
  std::vector<graph::Value> known;
};

inline constexpr double kCounts = 20;

/// logit = bias + what the network makes of a row. The vectors of all levels and items are one table,
/// of which a step touches some rows; the trainer keeps their gradient itself.
class RowNetwork : public torch::nn::Module {
 public:
  /// `width`: numbers a vector of the table; they begin normal with `spread` around 0.
  RowNetwork(RowLayout layout, std::int64_t width, double spread);

  /// -> [B], without the bias
  virtual torch::Tensor forward(const RowVectors& rows) = 0;
  /// The same as a value [B, 1].
  virtual graph::Value Write(NetworkGraph& graph, const RowValues& rows) = 0;

  /// Learns how numbers are scaled: x, or log(1 + x) of a column that is never negative and goes above
  /// kCounts (what is counted has a long tail), less its mean, over its standard deviation; 0 where
  /// all are alike. `forward` and `Write` see scaled numbers.
  void LearnScales(std::span<const Tensor> features);

  /// [B]
  torch::Tensor Logits(RowVectors rows);
  /// Writes the inputs and all of the network: `logit` [B, 1].
  graph::Value WriteLogit(NetworkGraph& graph);

  [[nodiscard]] const RowLayout& layout() const { return layout_; }

  torch::Tensor table;  ///< [layout.rows, width], a parameter without gradient
  torch::Tensor bias;   ///< [1]

 private:
  RowValues WriteRows(NetworkGraph& graph);
  graph::Value WriteScaled(NetworkGraph& graph, const graph::Value& numbers);
  RowLayout layout_;
  torch::Tensor counts_;     // [N] bool: log(1 + x)
  torch::Tensor mean_;       // [N]
  torch::Tensor deviation_;  // [N], 1 / standard deviation
};

/// Logits are kept within this bound, so that no probability is 0 or 1.
inline constexpr double kLogitBound = 15;

/// The bounded logits of all rows: [n]. The network must be in evaluation mode. Precondition: CheckColumns.
torch::Tensor LogitsOf(RowNetwork& network, std::span<const Tensor> features);

/// The mean vector of a history's known places, zero where none is known: [B, w].
torch::Tensor MeanOf(const torch::Tensor& places, const torch::Tensor& known);
graph::Value MeanOf(graph::Builder& b, const graph::Value& places, const graph::Value& known);

/// What layers read: vectors of levels, one vector a history (`pooled`, [B, w] each), numbers, side
/// by side: [B, FlatWidth].
torch::Tensor Flat(const RowVectors& rows, const std::vector<torch::Tensor>& pooled);
graph::Value Flat(graph::Builder& b, const RowValues& rows,
                  const std::vector<graph::Value>& pooled);
std::int64_t FlatWidth(const RowLayout& layout, std::int64_t width);
/// Flat with the histories' means.
torch::Tensor FlatOfMeans(const RowVectors& rows);
graph::Value FlatOfMeans(graph::Builder& b, const RowValues& rows);

/// A vector for each column: those of levels, x * its row of `number_vectors` [N, w] for a number, the
/// mean of a history: [B, M, w].
torch::Tensor ColumnVectors(const RowVectors& rows, const torch::Tensor& number_vectors);
graph::Value ColumnVectors(NetworkGraph& graph, const RowValues& rows,
                           const torch::Tensor& number_vectors);

}  // namespace vitrine::train
