/// A latency histogram that can be saved: Histogram's bounds, plain counters.
/// Threads: one caller at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/metrics.h"

namespace vitrine::monitor {

class LatencyCounts {
 public:
  LatencyCounts() {
    view_.upper_bounds = Histogram::LatencySeconds();
    view_.counts.assign(view_.upper_bounds.size() + 1, 0);
  }

  void Add(double seconds) {
    const auto bin =
        std::lower_bound(view_.upper_bounds.begin(), view_.upper_bounds.end(), seconds) -
        view_.upper_bounds.begin();
    ++view_.counts[static_cast<std::size_t>(bin)];
    ++view_.count;
    view_.sum += seconds;
  }

  [[nodiscard]] const Histogram::View& view() const { return view_; }

  /// False where the counts are of other bounds.
  bool Restore(std::vector<std::uint64_t> counts, double sum) {
    if (counts.size() != view_.counts.size()) {
      return false;
    }
    view_.counts = std::move(counts);
    view_.sum = sum;
    view_.count = 0;
    for (const std::uint64_t n : view_.counts) {
      view_.count += n;
    }
    return true;
  }

 private:
  Histogram::View view_;
};

}  // namespace vitrine::monitor
