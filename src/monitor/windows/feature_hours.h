/// What the served features of a version were in an hour, as kept in a WindowRow of kind kDrift, and hours put together
/// for whoever looks at them.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "monitor/windows/window_counts.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {

/// One feature, or the scores, in one hour of one version.
struct FeatureHour {
  std::string feature;
  std::vector<std::uint64_t> counts;  ///< by bin of the manifest's grid
  bool judged = false;  ///< there were enough requests; else the next three say nothing
  bool against_baseline =
      false;  ///< compared with the version's first requests, else with training
  double psi = 0;
  double effect = 0;  ///< psi above what chance alone gives
  double p_value = 1;
};

/// All of one version in one hour; series are model names.
struct FeatureHours {
  std::uint64_t requests = 0;
  std::vector<FeatureHour> features;
};

/// Lines, and not JSON, since a month of a version is tens of thousands of them: the requests; then of each feature its
/// quoted name, its counts, and where it was judged what it was compared with, psi, effect and p value.
std::string FeatureHoursText(const FeatureHours& hours);

struct FeaturePoint {
  std::string feature;
  bool judged = false;
  bool against_baseline = false;
  double psi = 0;      ///< mean of its judged hours, weighed by their requests
  double effect = 0;   ///< the same
  double p_value = 1;  ///< the smallest of its hours
  double largest_effect = 0;
  std::int64_t largest_at = 0;        ///< the hour of it
  std::vector<std::uint64_t> counts;  ///< summed; empty where not one feature alone was asked for
};

struct FeatureRow {
  std::string model;
  std::uint64_t requests = 0;
  std::vector<FeaturePoint> features;
};

/// As ServiceHistory. `feature`: only this one, with its counts.
/// Errors: kDataLoss (a row that is none of ours).
Result<std::vector<HistoryPoint<FeatureRow>>> FeatureHistory(
    std::span<const WindowRow> rows, std::int64_t step, const std::optional<std::string>& feature);

}  // namespace vitrine::monitor
