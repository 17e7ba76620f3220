/// Metric registry: counters, gauges and histograms, written as Prometheus text (format 0.0.4) or
/// OpenMetrics 1.0 with exemplars. Names: prefix vitrine_, base units, _total/_seconds/_bytes/_ratio.
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

/// Fixed upper bounds, plus +Inf.
class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void Observe(double v);

  struct View {
    std::vector<double> upper_bounds;
    std::vector<std::uint64_t> counts;  ///< per bucket, not cumulative; one more than bounds
    std::uint64_t count = 0;
    double sum = 0;
    /// Linear inside the bucket; the last bound where it lies beyond. 0 where nothing was observed.
    [[nodiscard]] double Quantile(double q) const;
  };
  [[nodiscard]] View Read() const;

  /// 50 us to 10 s in steps of about 1.6: latencies of requests.
  static std::vector<double> LatencySeconds();

 private:
  struct alignas(64) Shard {
    std::unique_ptr<std::atomic<std::uint64_t>[]> counts;
    std::atomic<double> sum{0};
  };
  std::vector<double> bounds_;
  std::array<Shard, kMetricShards> shards_;
};

class MetricRegistry {
 public:
  /// Finds or makes. Precondition: one kind (and one set of bounds) per name.
  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& GetHistogram(std::string_view name, std::string_view help,
                          const std::vector<double>& upper_bounds, const Labels& labels = {});
  /// A gauge read when scraped (resident memory, queue length).
  void SetCallback(std::string_view name, std::string_view help, const Labels& labels,
                   std::function<double()> read);

  /// Prometheus text exposition 0.0.4, families in name order.
  [[nodiscard]] std::string WriteText() const;

  /// Every sample as (name with labels, value), for tests and the status page.
  [[nodiscard]] std::map<std::string, double> Samples() const;

 private:
  struct Family;
  Family& FamilyOf(std::string_view name, std::string_view help, int kind);
  template <typename F>
  void ForEach(F&& visit) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Family>, std::less<>> families_;
};

}  // namespace vitrine
