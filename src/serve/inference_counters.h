/// What versions did by their tensors, counted by the threads that serve and put together by whoever asks.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/metrics.h"

namespace vitrine::serve {

struct InferenceCounts;
struct InferenceTimes;
class InferenceTask;

/// Threads: any. Each thread counts in its own shard (of kMetricShards), whose lock nobody else wants but a
/// reader, and which allocates only for a version, or a batch size, that it has not met.
class InferenceCounters {
 public:
  InferenceCounters();
  ~InferenceCounters();

  /// `cache`: whether answers are kept, so that hits and misses count.
  void Count(const InferenceTask& task, const InferenceTimes& times, bool ok, bool cache);
  /// Of a version "name:number"; zeros where it was never asked.
  [[nodiscard]] InferenceCounts Of(std::string_view version) const;

 private:
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::map<std::string, InferenceCounts, std::less<>> by_version;
  };
  std::array<Shard, kMetricShards> shards_;
};

}  // namespace vitrine::serve
