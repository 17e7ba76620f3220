/// What a metric's name stands for. Internal to the registry and its writers.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/metrics.h"

namespace vitrine {

struct MetricRegistry::Family {
  std::string help;
  int kind = 0;
  std::map<std::string, std::unique_ptr<Counter>> counters;  // by the labels' text
  std::map<std::string, std::unique_ptr<Gauge>> gauges;
  std::map<std::string, std::function<double()>> callbacks;
  std::map<std::string, std::unique_ptr<Histogram>> histograms;
};

enum MetricKind { kCounter, kGauge, kHistogram };

template <typename F>
void MetricRegistry::ForEach(F&& visit) const {
  std::map<std::string, std::shared_ptr<Family>, std::less<>> families;
  {
    const std::scoped_lock lock(mutex_);
    families = families_;
  }
  for (const auto& [name, family] : families) {
    // Series are only ever added, under the lock; nodes of a std::map do not move.
    const std::scoped_lock lock(mutex_);
    visit(name, *family);
  }
}

/// `labels` as the registry keeps them: names and quoted values, joined by commas.
inline std::string WithLabels(std::string_view name, std::string_view labels) {
  return labels.empty() ? std::string(name) : fmt::format("{}{{{}}}", name, labels);
}

}  // namespace vitrine
