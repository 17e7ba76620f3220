/// Exact selection of the k best of W scores. Score descending, ties by LOWER index (items are
/// numbered by descending popularity). NaN and -infinity are never selected.
/// Threads: pure; scratch is the caller's.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/history.h"

namespace vitrine::search {

struct RankedItem {
  double score = 0;
  ItemIndex index = 0;
  friend bool operator==(const RankedItem&, const RankedItem&) = default;
};

/// True where `a` stands before `b`.
inline bool Before(const RankedItem& a, const RankedItem& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

/// Bit j is set where scores[j] > threshold, for up to 64 scores.
std::uint64_t MaskAbove(std::span<const float> scores, float threshold);
std::uint64_t MaskAbove(std::span<const double> scores, double threshold);

/// Puts `item` among the k best in `top`, a heap by Before. Returns what the next must exceed:
/// -infinity until there are k. Preconditions: k > 0; the item's score exceeds what was returned
/// last.
inline double EnterTop(std::vector<RankedItem>& top, std::size_t k, const RankedItem& item) {
  if (top.size() == k) {
    std::pop_heap(top.begin(), top.end(), Before);
    top.pop_back();
  }
  top.push_back(item);
  std::push_heap(top.begin(), top.end(), Before);
  return top.size() == k ? top.front().score : -std::numeric_limits<double>::infinity();
}

/// Words of a skip bit set over `width` items.
constexpr std::size_t SkipWords(std::size_t width) { return (width + 63) / 64; }

/// Fills `top` with the k best indexes, best first, fewer where fewer qualify. Bit i % 64 of
/// skip[i / 64] leaves item i out; accept(index) is asked only for scores that would enter, so a
/// costly predicate is asked rarely. Does not allocate once `top` has room for k.
/// Precondition: skip.size() >= SkipWords(scores.size()).
template <typename T, typename Accept>
void SelectTop(std::span<const T> scores, std::span<const std::uint64_t> skip, std::size_t k,
               Accept&& accept, std::vector<RankedItem>& top) {
  top.clear();
  if (k == 0) {
    return;
  }
  T threshold = -std::numeric_limits<T>::infinity();
  for (std::size_t base = 0; base < scores.size(); base += 64) {
    const std::size_t count = std::min<std::size_t>(64, scores.size() - base);
    std::uint64_t mask = ~skip[base / 64];
    if (mask == 0) {
      continue;
    }
    mask &= MaskAbove(scores.subspan(base, count), threshold);
    while (mask != 0) {
      const std::size_t i = base + static_cast<std::size_t>(std::countr_zero(mask));
      mask &= mask - 1;
      // The threshold may have risen inside this block. Equal scores came first: they stay.
      if (!(scores[i] > threshold) || !accept(static_cast<ItemIndex>(i))) {
        continue;
      }
      const RankedItem item{static_cast<double>(scores[i]), static_cast<ItemIndex>(i)};
      threshold = static_cast<T>(EnterTop(top, k, item));
    }
  }
  std::sort_heap(top.begin(), top.end(), Before);
}

template <typename T>
void SelectTop(std::span<const T> scores, std::span<const std::uint64_t> skip, std::size_t k,
               std::vector<RankedItem>& top) {
  SelectTop(scores, skip, k, [](ItemIndex) { return true; }, top);
}

}  // namespace vitrine::search
