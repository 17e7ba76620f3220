/// Keeps like items apart in one answer.
/// Threads: pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "serve/scene.h"

namespace vitrine::serve {

/// What likeness is judged by; 0: none, never alike.
struct Likeness {
  std::uint64_t brand = 0;
  std::uint64_t category = 0;
};

/// The items that have their places already, in order, and what fits into the next one.
class SpacedPlaces {
 public:
  /// Both outlive it; `memory` is emptied and then its own.
  SpacedPlaces(const Spacing& spacing, std::vector<Likeness>& memory)
      : spacing_(&spacing), items_(&memory) {
    items_->clear();
  }
  [[nodiscard]] bool Fits(const Likeness& item) const;
  void Add(const Likeness& item) { items_->push_back(item); }

 private:
  const Spacing* spacing_;
  std::vector<Likeness>* items_;
};

/// Chooses `n` of `items` (best first) under the limits: each place takes the best one left that
/// breaks none. Where none fits and `all` is false, stops short, so that the caller can bring more;
/// where `all` is true the best one left is taken all the same.
/// Returns positions in `items`, in the order of the answer.
std::vector<std::uint32_t> Arrange(const Spacing& spacing, std::span<const Likeness> items,
                                   std::size_t n, bool all);

}  // namespace vitrine::serve
