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
  double asymmetry = 0.5;    ///< power of the history item's popularity; 1 less this of the other's
  double shrinkage = 0;      ///< added to the denominator
  double user_power = 0;     ///< a user of n items counts n^-user_power
};

/// cos(i, j) = users with both / sqrt(users with i * users with j), i != j;
/// score(j) = sum over history places p of decay^age(p) * cos(item(p), j).
/// Computed as (count * (1/sqrt(pop_i) * weight)) * 1/sqrt(pop_j), added oldest place first.
/// Fit's errors: kInvalidArgument (decay outside (0, 1]), kCancelled, kResourceExhausted (more than
///               2^31 pairs: set `neighbours`). Memory: 8 bytes a kept pair.
/// With any of the last three options set, w(u) = n(u)^-user_power for a user of n distinct items, p(i) the sum
/// of w over the users with i, c(i, j) over those with both:
/// table(i, j) = c(i, j) / (p(i)^asymmetry * p(j)^(1 - asymmetry) + shrinkage), scored as
/// train/models/neighbour_model.h says.
/// Source:  Sarwar et al., Item-based collaborative filtering, WWW 2001, section 3.1; asymmetric cosine: Aiolli,
///          Efficient top-N recommendation for very large scale binary rated datasets, RecSys 2013; users of
///          many items count less: Breese et al., UAI 1998, section 2.3 (inverse user frequency).
std::unique_ptr<TrainableModel> MakeItemKnn(const ItemKnnOptions& options);

/// "item_knn" and its parameters.
ModelFactory ItemKnnFactory();

}  // namespace vitrine::train
