/// Item-to-item co-occurrence with cosine similarity.
#pragma once

#include <cstddef>
#include <memory>

#include "core/progress.h"
#include "core/status.h"
#include "train/models/counting_model.h"
#include "train/sequences.h"

namespace vitrine::train {

struct ItemKnnOptions {
  /// A history place weighs decay^age; 1: all places the same (the graph then reads no `age`).
  double decay = 1;
  /// Keep only this many most similar items per item (equal ones: lower index); 0: all.
  std::size_t neighbours = 0;
};

/// cos(i, j) = users with both / sqrt(users with i * users with j), i != j;
/// score(j) = sum over history places p of decay^age(p) * cos(item(p), j).
/// Source:  Sarwar et al. 2001, section 3.1 on binary data. float64; computed as
///          ((count * 1/sqrt(pop_i)) * 1/sqrt(pop_j)) * weight, added oldest place first.
/// Errors:  kInvalidArgument (decay outside (0, 1]), kCancelled, kResourceExhausted (more than 2^31
///          pairs: set `neighbours`). Memory: 8 bytes a kept pair.
Result<std::unique_ptr<CountingModel>> FitItemKnn(const TrainingSequences& sequences,
                                                  const ItemKnnOptions& options,
                                                  const Progress& progress);

}  // namespace vitrine::train
