/// Which version answers whom while a rollout runs, and what became of it: the arms as requests see them.
/// A decision swaps one pointer; requests under way finish on what they began with.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/guarded.h"
#include "core/time.h"
#include "serve/recommend.h"

namespace vitrine::serve {

class ServedModel;

/// Times by buckets that grow by an eighth of their power of two, from 1 us to about an hour.
inline constexpr std::size_t kTimeBuckets = 32 * 8;
std::size_t TimeBucket(double seconds);
/// The largest time of a bucket, in seconds.
double BucketSeconds(std::size_t bucket);

/// One arm's answers as they are. Counts only rise.
struct ArmCounts {
  std::uint64_t answers = 0;
  std::uint64_t failures = 0;   ///< its version failed, had no time, or was late; others answered
  std::uint64_t fallbacks = 0;  ///< answers that no version gave
  double seconds = 0;           ///< sum over answers
  std::array<std::uint64_t, kTimeBuckets> times{};

  /// Smallest bucket's time below which `share` of the answers stay; 0 without answers.
  [[nodiscard]] double Quantile(double share) const;
  /// Answers that took longer than `limit` seconds, up to the width of a bucket.
  [[nodiscard]] std::uint64_t SlowerThan(double limit) const;
};

/// Threads: any; no lock.
class ArmCounters {
 public:
  void Add(double seconds, bool failed, bool fallback);
  [[nodiscard]] ArmCounts Read() const;

 private:
  std::atomic<std::uint64_t> answers_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> fallbacks_{0};
  std::atomic<std::uint64_t> nanoseconds_{0};
  std::array<std::atomic<std::uint64_t>, kTimeBuckets> times_{};
};

struct SplitCounters {
  ArmCounters control;
  ArmCounters treatment;
  Guarded<std::string> failure;  ///< what the candidate said when it failed last
};

/// Takes copies of requests that were answered. Threads: any; must not block, and may drop.
class ShadowSink {
 public:
  virtual ~ShadowSink() = default;
  virtual void Offer(const RecommendRequest& request, Micros as_of,
                     const RecommendResponse& given) = 0;
};

/// One rollout at one of its stages. Immutable, but for what it counts.
struct TrafficSplit {
  std::string rollout;
  std::string alias = "champion";  ///< whose place the candidate takes
  std::string scene;               ///< empty: every scene that retrieves by the alias
  std::string salt;
  double share = 0;          ///< of subjects that the candidate answers; 0: there are no arms
  bool interleaved = false;  ///< they are answered by both, and the others are in no arm
  std::shared_ptr<const ServedModel> candidate;
  std::shared_ptr<SplitCounters> counters = std::make_shared<SplitCounters>();
  std::shared_ptr<ShadowSink> shadow;  ///< null: nothing is mirrored
  double shadow_share = 0;             ///< of answers

  /// kNone for nobody, and while nobody is answered by the candidate.
  [[nodiscard]] Arm ArmOf(std::string_view subject) const;
  /// Whether this answer is mirrored.
  [[nodiscard]] bool Mirrors(std::string_view request_id) const;
};
using TrafficSplits = std::vector<TrafficSplit>;

/// Threads: any. Get costs one short lock.
class Traffic {
 public:
  /// Null where no rollout runs.
  [[nodiscard]] std::shared_ptr<const TrafficSplits> Get() const { return splits_.Get(); }
  void Publish(TrafficSplits splits);

 private:
  Published<TrafficSplits> splits_;
};

}  // namespace vitrine::serve
