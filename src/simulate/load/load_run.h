/// One load run: requests that are due at moments drawn beforehand (open loop) or always a number of
/// them outstanding (closed loop), cut into windows, until the windows agree or the time is over.
/// A latency counts from the moment a request was due, so that a server that stands still shows it
/// in every request that was due meanwhile (no coordinated omission).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/status.h"
#include "simulate/load/latency_histogram.h"
#include "simulate/load/load_target.h"
#include "simulate/load/stability.h"

namespace vitrine::simulate {

/// When the generator's own lag spoils a measurement. Lag: how long after a request was due the
/// generator got to it, whether or not a connection was free then.
struct LagRule {
  Nanos harmless = 50'000;    ///< p99 up to this spoils nothing
  double share = 0.25;        ///< of the measured p99
  Nanos always = 10'000'000;  ///< p99 above this spoils everything
};

struct LoadOptions {
  double rate = 0;              ///< requests a second; 0: closed loop
  std::size_t concurrency = 1;  ///< requests outstanding, closed loop
  Spacing spacing = Spacing::kPoisson;
  std::uint64_t seed = 1;
  Nanos warmup = kNanosPerSecond;
  Nanos window = 2 * kNanosPerSecond;
  std::size_t windows = 10;  ///< at most
  bool until_stable = true;  ///< ends with the first windows that agree; else measures them all
  StabilityRule stability;
  double stable_percentile = 0;  ///< latency that must agree; 0: the mean
  Nanos timeout = 10 * kNanosPerSecond;
  LagRule lag;
};

/// How requests ended.
struct OutcomeCounts {
  std::array<std::uint64_t, 1000> by_status{};  ///< answers, good and not
  std::uint64_t good = 0;
  std::uint64_t refused = 0;  ///< answers that are not good
  std::uint64_t timed_out = 0;
  std::uint64_t unsent = 0;  ///< of those that timed out: still waiting for a connection
  std::uint64_t broken = 0;
  std::uint64_t garbled = 0;

  void Add(const LoadAnswer& answer);
  void Merge(const OutcomeCounts& other);
  [[nodiscard]] std::uint64_t failed() const { return refused + timed_out + broken + garbled; }
};

/// What was due in one stretch of the run, whenever it ended.
struct LoadWindow {
  std::uint64_t due = 0;
  std::uint64_t waited = 0;  ///< due while no connection was free
  LatencyHistogram latency;  ///< of good answers, from the moment each was due
  LatencyHistogram refusal;  ///< the same of answers that are not good
  LatencyHistogram lag;      ///< the generator's own, open loop
  OutcomeCounts counts;

  void Merge(const LoadWindow& other);
  [[nodiscard]] std::uint64_t open() const { return due - counts.good - counts.failed(); }
  /// Percentile as a share; a failed request counts as one that never came (kNever).
  [[nodiscard]] Nanos Latency(double q) const { return latency.Quantile(q, counts.failed()); }
};

struct LoadResult {
  LoadWindow total;                    ///< the windows that count, together
  double seconds = 0;                  ///< their length
  std::vector<WindowFigures> windows;  ///< every one that was measured; latency in seconds
  bool stable = false;                 ///< the last ones agree; they alone count where that ends it
  std::uint64_t warmup_failed = 0;
  std::string spoiled;  ///< why the figures must not be used; empty: they may

  [[nodiscard]] double throughput() const {
    return seconds == 0 ? 0 : static_cast<double>(total.counts.good) / seconds;
  }
};

/// Why a lag spoils latencies, in a sentence; empty where it does not.
std::string SpoiledByLag(const LoadWindow& window, const LagRule& rule);

/// Runs it. What fails in between is counted, not returned.
/// Memory: three histograms (400 kB) a window, made before the first request.
/// Errors:  kInvalidArgument (names the option), kCancelled, kUnavailable (no good answer among the
///          first thousand, or a thousand connections broke one after another)
/// Threads: that of the target; blocks for windows and drain
Result<LoadResult> RunLoad(LoadTarget& target, const LoadOptions& options,
                           const std::stop_token& stop = {});

}  // namespace vitrine::simulate
