/// One step of all weights of a sequence network. Includes LibTorch: for .cc files of networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <vector>

#include "train/models/fit_state.h"
#include "train/models/row_adam.h"
#include "train/models/sequence_network.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

/// The gradient of item vectors: of every one (`rows` empty), or of those named.
struct ItemGradient {
  std::vector<std::int64_t> rows;  ///< item - kFirstItem, each once
  torch::Tensor values;            ///< [rows, d]; of every item: [W - kFirstItem, d]
};

/// Adam (row_adam.h): all numbers of the small weights, and of the item vectors the rows that have a
/// gradient; clipping, the course of the learning rate and averaged weights for both.
class SequenceOptimiser {
 public:
  SequenceOptimiser(const SequenceOptions& options, SequenceNetwork& network,
                    std::int64_t steps_per_epoch);

  /// Forgets the gradients of the small weights.
  void Clear();
  /// One step along the gradients that the small weights hold, and `items`. False where their length
  /// is not a finite number: nothing has changed then.
  bool Step(const ItemGradient& items);

  /// Exchanges the network's weights with the averaged ones where such are kept; twice is nothing.
  void ExchangeAverage() { average_.Exchange(network_.parameters()); }

  void Save(torch::serialize::OutputArchive& archive) const;
  void Load(torch::serialize::InputArchive& archive);

 private:
  [[nodiscard]] double Rate() const;
  void StepSmall(RowAdamOptions adam, float scale);

  const SequenceOptions& options_;
  SequenceNetwork& network_;
  std::vector<torch::Tensor> weights_;  // all but the item vectors
  std::vector<RowAdam> small_;          // one a small weight, each of one row
  RowAdam items_;
  WeightAverage average_;
  std::int64_t steps_per_epoch_;
  std::int64_t step_ = 0;
};

}  // namespace vitrine::train
