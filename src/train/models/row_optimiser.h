/// One step of all weights of a network over labelled rows. Includes LibTorch: for .cc files of networks
/// only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <vector>

#include "train/models/fit_state.h"
#include "train/models/row_adam.h"
#include "train/models/row_network.h"
#include "train/models/row_options.h"

namespace vitrine::train {

/// The gradient of some rows of the network's table.
struct VectorGradient {
  torch::Tensor rows;    ///< [m] int64, each once
  torch::Tensor values;  ///< [m, w]
};

/// Adam and AdamW (row_adam.h: rows that a step does not touch stand still) or SGD with momentum v = m v
/// + g, w -= rate * v (so too, row by row); clipping by the length of all gradients together, decay,
/// averaged weights. Decay is of matrices and vectors, never of biases.
class RowOptimiser {
 public:
  RowOptimiser(const RowOptions& options, RowNetwork& network);

  /// Forgets the gradients of the layers.
  void Clear();
  /// One step along the gradients that the layers hold, and `vectors`. False where their length is not
  /// a finite number: nothing has changed then.
  bool Step(const VectorGradient& vectors);

  /// Exchanges the network's weights with the averaged ones where such are kept; twice is nothing.
  void ExchangeAverage() { average_.Exchange(network_.parameters()); }

  void Save(torch::serialize::OutputArchive& archive) const;
  void Load(torch::serialize::InputArchive& archive);

 private:
  void StepLayer(std::size_t layer, double scale);
  void StepVectors(const VectorGradient& vectors, double scale);
  [[nodiscard]] RowAdamOptions Adam(double decay) const;

  const RowOptions& options_;
  RowNetwork& network_;
  bool sgd_;
  bool coupled_;                       // decay is a part of the gradient
  std::vector<torch::Tensor> layers_;  // all weights but the table
  std::vector<RowAdam> layer_adam_;    // one a weight, each of one row
  RowAdam vector_adam_;
  std::vector<torch::Tensor> velocity_;  // of sgd: a weight each, then the table
  WeightAverage average_;
  std::int64_t step_ = 0;
};

}  // namespace vitrine::train
