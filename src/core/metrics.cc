#include "core/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "core/check.h"
#include "core/metrics_family.h"

namespace vitrine {
namespace {

constexpr std::string_view kTotal = "_total";

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string LabelText(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, Escape(value));
  }
  return out;
}

}  // namespace

std::size_t MetricShard() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t shard = next.fetch_add(1) % kMetricShards;
  return shard;
}

std::uint64_t Counter::Value() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) {
    sum += shard.value.load(std::memory_order_relaxed);
  }
  return sum;
}

Histogram::Histogram(std::vector<double> upper_bounds) : bounds_(std::move(upper_bounds)) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
  for (Shard& shard : shards_) {
    shard.counts = std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1);
  }
  exemplars_ = std::make_unique<Kept[]>(bounds_.size() + 1);
}

std::size_t Histogram::BucketOf(double v) const {
  return static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), v) -
                                  bounds_.begin());
}

void Histogram::Observe(double v) {
  Shard& shard = shards_[MetricShard()];
  shard.counts[BucketOf(v)].fetch_add(1, std::memory_order_relaxed);
  shard.sum.fetch_add(v, std::memory_order_relaxed);
}

void Histogram::Observe(const Exemplar& exemplar) {
  Observe(exemplar.value);
  Kept& kept = exemplars_[BucketOf(exemplar.value)];
  if (!kept.taken.test_and_set(std::memory_order_acquire)) {
    kept.exemplar = exemplar;
    kept.taken.clear(std::memory_order_release);
  }
}

std::vector<Exemplar> Histogram::Exemplars() const {
  std::vector<Exemplar> all;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    Kept& kept = exemplars_[i];
    while (kept.taken.test_and_set(std::memory_order_acquire)) {
      std::this_thread::yield();  // a writer holds it for the length of a copy
    }
    all.push_back(kept.exemplar);
    kept.taken.clear(std::memory_order_release);
  }
  return all;
}

Histogram::View Histogram::Read() const {
  View view{.upper_bounds = bounds_, .counts = std::vector<std::uint64_t>(bounds_.size() + 1)};
  for (const Shard& shard : shards_) {
    for (std::size_t i = 0; i < view.counts.size(); ++i) {
      view.counts[i] += shard.counts[i].load(std::memory_order_relaxed);
    }
    view.sum += shard.sum.load(std::memory_order_relaxed);
  }
  for (const std::uint64_t n : view.counts) {
    view.count += n;
  }
  return view;
}

double Histogram::View::Quantile(double q) const {
  if (count == 0) {
    return 0;
  }
  const double rank = q * static_cast<double>(count);
  double seen = 0;
  for (std::size_t i = 0; i < upper_bounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && seen + here >= rank) {
      const double low = i == 0 ? 0 : upper_bounds[i - 1];
      return low + (upper_bounds[i] - low) * (rank - seen) / here;
    }
    seen += here;
  }
  return upper_bounds.empty() ? 0 : upper_bounds.back();
}

std::vector<double> Histogram::LatencySeconds() {
  return {0.00005, 0.0001, 0.00016, 0.00025, 0.0004, 0.00063, 0.001, 0.0016,
          0.0025,  0.004,  0.0063,  0.01,    0.016,  0.025,   0.04,  0.063,
          0.1,     0.16,   0.25,    0.5,     1,      2.5,     5,     10};
}

MetricRegistry::Family& MetricRegistry::FamilyOf(std::string_view name, std::string_view help,
                                                 int kind) {
  auto it = families_.find(name);
  if (it == families_.end()) {
    const bool counter = kind == kCounter;
    CHECK(counter == name.ends_with(kTotal));
    CHECK(!families_.contains(counter ? std::string(name.substr(0, name.size() - kTotal.size()))
                                      : fmt::format("{}{}", name, kTotal)));
    it = families_.emplace(std::string(name), std::make_shared<Family>()).first;
    it->second->help = help;
    it->second->kind = kind;
  }
  CHECK(it->second->kind == kind);
  return *it->second;
}

Counter& MetricRegistry::GetCounter(std::string_view name, std::string_view help,
                                    const Labels& labels) {
  const std::scoped_lock lock(mutex_);
  auto& slot = FamilyOf(name, help, kCounter).counters[LabelText(labels)];
  if (!slot) {
    slot = std::make_unique<Counter>();
  }
  return *slot;
}

Gauge& MetricRegistry::GetGauge(std::string_view name, std::string_view help,
                                const Labels& labels) {
  const std::scoped_lock lock(mutex_);
  auto& slot = FamilyOf(name, help, kGauge).gauges[LabelText(labels)];
  if (!slot) {
    slot = std::make_unique<Gauge>();
  }
  return *slot;
}

Histogram& MetricRegistry::GetHistogram(std::string_view name, std::string_view help,
                                        const std::vector<double>& upper_bounds,
                                        const Labels& labels) {
  const std::scoped_lock lock(mutex_);
  auto& slot = FamilyOf(name, help, kHistogram).histograms[LabelText(labels)];
  if (!slot) {
    slot = std::make_unique<Histogram>(upper_bounds);
  }
  return *slot;
}

void MetricRegistry::SetCallback(std::string_view name, std::string_view help, const Labels& labels,
                                 std::function<double()> read) {
  const std::scoped_lock lock(mutex_);
  FamilyOf(name, help, kGauge).callbacks[LabelText(labels)] = std::move(read);
}

std::map<std::string, double> MetricRegistry::Samples() const {
  std::map<std::string, double> out;
  ForEach([&out](const std::string& name, const Family& family) {
    for (const auto& [labels, counter] : family.counters) {
      out[WithLabels(name, labels)] = static_cast<double>(counter->Value());
    }
    for (const auto& [labels, gauge] : family.gauges) {
      out[WithLabels(name, labels)] = gauge->Value();
    }
    for (const auto& [labels, read] : family.callbacks) {
      out[WithLabels(name, labels)] = read();
    }
    for (const auto& [labels, histogram] : family.histograms) {
      out[WithLabels(name + "_count", labels)] = static_cast<double>(histogram->Read().count);
    }
  });
  return out;
}

}  // namespace vitrine
