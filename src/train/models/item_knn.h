/// Item-to-item co-occurrence with cosine similarity.
#pragma once

#include <cstddef>
#include <memory>

#include "train/model.h"

namespace vitrine::train {

struct ItemKnnOptions {
  /// A history place weighs decay^age, age in positions; 1: all the same (then no `age` is read).
  double decay = 1;
  /// Keep only this many most similar items per item (equal ones: lower index); 0: all.
  std::size_t neighbours = 0;
  std::size_t length = 512;  ///< newest places of a history that are looked at
};

/// cos(i, j) = users with both / sqrt(users with i * users with j), i != j;
/// score(j) = sum over history places p of decay^age(p) * cos(item(p), j).
/// Computed as (count * (1/sqrt(pop_i) * weight)) * 1/sqrt(pop_j), added oldest place first.
/// Fit's errors: kInvalidArgument (decay outside (0, 1]), kCancelled, kResourceExhausted (more than
///               2^31 pairs: set `neighbours`). Memory: 8 bytes a kept pair.
/// Source:  Sarwar et al., Item-based collaborative filtering, WWW 2001, section 3.1.
std::unique_ptr<TrainableModel> MakeItemKnn(const ItemKnnOptions& options);

/// "item_knn": decay, neighbours, length.
ModelFactory ItemKnnFactory();

}  // namespace vitrine::train
