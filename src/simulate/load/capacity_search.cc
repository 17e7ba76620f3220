#include "simulate/load/capacity_search.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace vitrine::simulate {

CapacitySearch::CapacitySearch(const CapacityOptions& options)
    : options_(options), next_(std::clamp(options.first, options.lowest, options.highest)) {}

std::optional<double> CapacitySearch::next() const {
  return ended_ ? std::nullopt : std::optional(next_);
}

void CapacitySearch::Tell(bool holds) {
  CHECK(!ended_);
  (holds ? holds_ : fails_) = next_;
  if (holds_ > 0 && fails_ > 0) {
    ended_ = fails_ <= holds_ * (1 + options_.resolution);
    next_ = std::sqrt(holds_ * fails_);  // the middle, in shares
  } else if (holds) {
    ended_ = next_ >= options_.highest;
    next_ = std::min(next_ * 2, options_.highest);
  } else {
    ended_ = next_ <= options_.lowest;
    next_ = std::max(next_ / 2, options_.lowest);
  }
}

}  // namespace vitrine::simulate
