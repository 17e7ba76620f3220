/// A histogram of times with a bounded relative error at every size, in memory that does not grow:
/// each power of two is cut into equal buckets.
/// Source: the idea is HdrHistogram's (Gil Tene); the layout is ours.
/// Threads: one caller at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "simulate/load/arrivals.h"

namespace vitrine::simulate {

class LatencyHistogram {
 public:
  /// Half a bucket over its lower end: how far a reported value may lie from the recorded one.
  static constexpr double kRelativeError = 1.0 / 2048;
  /// Longer times count as this one (73 minutes).
  static constexpr Nanos kLongest = (Nanos{1} << 42) - 1;
  /// What Quantile gives for a place among those that never came.
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

  LatencyHistogram();

  /// Times below zero count as zero.
  void Record(Nanos time);
  void Merge(const LatencyHistogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// 0 where nothing was recorded, as the following.
  [[nodiscard]] Nanos min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] Nanos max() const { return max_; }
  [[nodiscard]] double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  /// The smallest time that a share q of all are not above, within kRelativeError. `never` more are
  /// taken to stand behind all that were recorded: requests that failed.
  [[nodiscard]] Nanos Quantile(double q, std::uint64_t never = 0) const;

  /// The buckets that hold something, rising: lower end, end, count.
  void ForEach(const std::function<void(Nanos begin, Nanos end, std::uint64_t count)>& visit) const;

 private:
  std::vector<std::uint32_t> buckets_;
  std::uint64_t count_ = 0;
  Nanos min_ = kLongest;
  Nanos max_ = 0;
  double sum_ = 0;
};

}  // namespace vitrine::simulate
