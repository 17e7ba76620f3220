/// How alike two items are, by what the catalogue says of them and by a version's item vectors.
/// Threads: pure.
#pragma once

#include <cstdint>
#include <span>

#include "serve/predicate.h"
#include "serve/scene.h"

namespace vitrine::serve {

/// What an item is compared by: four blocks of one vector, of which those that are missing are zero. Views into
/// a catalogue row and an item matrix, which outlive it.
struct ItemTraits {
  std::uint64_t brand = 0;
  std::span<const std::uint64_t> levels;  ///< sorted, distinct
  std::span<const std::uint64_t> tags;    ///< sorted, distinct
  std::span<const float> vector;
  float vector_scale = 0;  ///< 1 / its length; 0: it has none
  double scale = 0;  ///< 1 / the length of the four blocks as they are weighed; 0: there are none
};

/// `fields` is null for an item that the catalogue does not know; an empty vector is none.
ItemTraits TraitsOf(const ItemFields* fields, std::span<const float> vector,
                    const Diversity& weights);

/// The cosine of both: a block is worth its weight where both have it in common wholly, by brand: the same;
/// by category and tags: |common| / sqrt(|a| |b|); by vector: the cosine. 1 where all that counts agrees, 0 where
/// nothing does or one of them has nothing; below 0 only by vectors. Since each block is an inner product, the
/// matrix of any items is positive semi-definite, as a determinantal point process asks.
double Alikeness(const ItemTraits& a, const ItemTraits& b, const Diversity& weights);

}  // namespace vitrine::serve
