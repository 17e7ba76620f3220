#include "simulate/load/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vitrine::simulate {
namespace {

// A power of two is cut into this many buckets; below kExact every time has its own.
constexpr int kCutBits = 10;
constexpr Nanos kExact = Nanos{1} << (kCutBits + 1);
constexpr int kRows = 42 - kCutBits + 1;  // up to kLongest; the exact part is two of them

std::size_t BucketOf(Nanos time) {
  if (time < kExact) {
    return static_cast<std::size_t>(time);
  }
  const int leading = std::countl_zero(static_cast<std::uint64_t>(time));
  const int shift = 63 - leading - kCutBits;
  return static_cast<std::size_t>((Nanos{shift} << kCutBits) + (time >> shift));
}

/// The first time of a bucket; that of the next one is its end.
Nanos BeginOf(std::size_t bucket) {
  const auto index = static_cast<Nanos>(bucket);
  if (index < kExact) {
    return index;
  }
  const Nanos shift = (index >> kCutBits) - 1;
  return (index - (shift << kCutBits)) << shift;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : buckets_(static_cast<std::size_t>(kRows) << kCutBits) {}

void LatencyHistogram::Record(Nanos time) {
  time = std::clamp<Nanos>(time, 0, kLongest);
  ++buckets_[BucketOf(time)];
  ++count_;
  sum_ += static_cast<double>(time);
  min_ = std::min(min_, time);
  max_ = std::max(max_, time);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    buckets_[b] += other.buckets_[b];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Nanos LatencyHistogram::Quantile(double q, std::uint64_t never) const {
  const std::uint64_t all = count_ + never;
  if (all == 0) {
    return 0;
  }
  const auto rank = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(all))), std::uint64_t{1}, all);
  if (rank > count_) {
    return kNever;
  }
  std::uint64_t seen = 0;
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    seen += buckets_[b];
    if (seen >= rank) {
      // The middle of the bucket, and never outside what was recorded.
      return std::clamp((BeginOf(b) + BeginOf(b + 1) - 1) / 2, min_, max_);
    }
  }
  return max_;
}

void LatencyHistogram::ForEach(
    const std::function<void(Nanos begin, Nanos end, std::uint64_t count)>& visit) const {
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    if (buckets_[b] > 0) {
      visit(BeginOf(b), BeginOf(b + 1), buckets_[b]);
    }
  }
}

}  // namespace vitrine::simulate
