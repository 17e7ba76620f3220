#include "evaluate/top_k.h"

#include <algorithm>
#include <limits>

namespace vitrine::evaluate {

bool TopK::Select(std::span<const double> scores, std::vector<ItemIndex>& out) {
  out.clear();
  heap_.clear();
  double threshold = -std::numeric_limits<double>::infinity();
  bool nan = false;
  for (std::size_t i = kFirstItem; i < scores.size(); ++i) {
    const double score = scores[i];
    // Items come by rising index: an equal score loses against one that is already in.
    if (!(score > threshold)) {
      nan |= score != score;
      continue;
    }
    if (heap_.size() == k_) {
      std::pop_heap(heap_.begin(), heap_.end(), Better);
      heap_.back() = {score, static_cast<ItemIndex>(i)};
    } else {
      heap_.push_back({score, static_cast<ItemIndex>(i)});
    }
    std::push_heap(heap_.begin(), heap_.end(), Better);
    if (heap_.size() == k_) {
      threshold = heap_.front().score;
    }
  }
  if (nan) {
    return false;
  }
  std::sort_heap(heap_.begin(), heap_.end(), Better);
  for (const Entry& entry : heap_) {
    out.push_back(entry.item);
  }
  return true;
}

}  // namespace vitrine::evaluate
