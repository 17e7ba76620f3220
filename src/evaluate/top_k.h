/// The k best of a row of scores without sorting it.
#pragma once

#include <span>
#include <vector>

#include "core/history.h"

namespace vitrine::evaluate {

/// Reusable scratch of one thread.
class TopK {
 public:
  explicit TopK(std::size_t k) : k_(k) { heap_.reserve(k); }

  /// Fills `out` with the k best items from kFirstItem on: score descending, ties by lower index;
  /// minus infinity is no candidate. False where a score is not a number (out is then empty).
  /// Shapes: scores [width].   Cost: one comparison per score, plus log k for each that enters.
  bool Select(std::span<const double> scores, std::vector<ItemIndex>& out);

 private:
  struct Entry {
    double score;
    ItemIndex item;
  };
  /// Orders the heap so that its front is the worst entry.
  static bool Better(const Entry& a, const Entry& b) {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  }

  std::size_t k_;
  std::vector<Entry> heap_;
};

}  // namespace vitrine::evaluate
