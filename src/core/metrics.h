/// Metric registry: counters, gauges and histograms, written as Prometheus text (format 0.0.4) or
/// OpenMetrics 1.0 with exemplars. Names: prefix vitrine_, base units, _total/_seconds/_bytes/_ratio;
/// every counter ends in _total, nothing else does.
/// Labels are bounded and never user or item ids.
/// Threads: updates from any thread, wait-free, sharded so that two cores do not share a line;
/// look a metric up once and keep the reference: look-ups take a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"
#include "core/trace_context.h"

namespace vitrine {

using Labels = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::size_t kMetricShards = 8;
/// This thread's shard.
std::size_t MetricShard();

class Counter {
 public:
  void Add(std::uint64_t n = 1) {
    shards_[MetricShard()].value.fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t Value() const;

 private:
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Shard, kMetricShards> shards_;
};

class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  void Add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  [[nodiscard]] double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// A request of a trace that was recorded and fell into a bucket.
struct Exemplar {
  TraceId trace{};  ///< all zero: there is none
  double value = 0;
  Micros at;
};

/// Fixed upper bounds, plus +Inf.
class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void Observe(double v);
  /// Observes exemplar.value, and keeps the exemplar in place of its bucket's last one. Wait-free: where
  /// another thread is at that moment at the same exemplar, it is let go; the count never is.
  void Observe(const Exemplar& exemplar);

  struct View {
    std::vector<double> upper_bounds;
    std::vector<std::uint64_t> counts;  ///< per bucket, not cumulative; one more than bounds
    std::uint64_t count = 0;
    double sum = 0;
    /// Linear inside the bucket; the last bound where it lies beyond. 0 where nothing was observed.
    [[nodiscard]] double Quantile(double q) const;
  };
  [[nodiscard]] View Read() const;
  /// The newest of each bucket.
  [[nodiscard]] std::vector<Exemplar> Exemplars() const;

  /// 50 us to 10 s in steps of about 1.6: latencies of requests.
  static std::vector<double> LatencySeconds();

 private:
  struct alignas(64) Shard {
    std::unique_ptr<std::atomic<std::uint64_t>[]> counts;
    std::atomic<double> sum{0};
  };
  struct Kept {
    std::atomic_flag taken;
    Exemplar exemplar;
  };
  std::size_t BucketOf(double v) const;

  std::vector<double> bounds_;
  std::array<Shard, kMetricShards> shards_;
  std::unique_ptr<Kept[]> exemplars_;
};

class MetricRegistry {
 public:
  /// Finds or makes. Preconditions: one kind (and one set of bounds) per name; no name is that of a counter
  /// without its _total, as OpenMetrics gives both the same family.
  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& GetHistogram(std::string_view name, std::string_view help,
                          const std::vector<double>& upper_bounds, const Labels& labels = {});
  /// A gauge read when scraped (resident memory, queue length).
  void SetCallback(std::string_view name, std::string_view help, const Labels& labels,
                   std::function<double()> read);

  /// Prometheus text exposition 0.0.4, families in name order.
  [[nodiscard]] std::string WriteText() const;
  /// OpenMetrics text 1.0.0: the same families, with units and with the histograms' exemplars.
  [[nodiscard]] std::string WriteOpenMetrics() const;

  /// Every sample as (name with labels, value), for tests and the status page.
  [[nodiscard]] std::map<std::string, double> Samples() const;

 private:
  struct Family;
  Family& FamilyOf(std::string_view name, std::string_view help, int kind);
  template <typename F>
  void ForEach(F&& visit) const;
  static void WriteSamples(const std::string& name, const Family& family, bool open_metrics,
                           std::string& out);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Family>, std::less<>> families_;
};

}  // namespace vitrine
