/// Metrics of labelled rows with intervals that resample users, not rows: a user's rows are alike, and
/// an interval over rows would be too narrow. The values are those of binary_metrics.h.
/// Threads: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "evaluate/bootstrap.h"
#include "evaluate/report.h"

namespace vitrine::evaluate {

enum class LabelledMetric : std::uint8_t {
  kAuc,
  kAveragePrecision,
  kLogLoss,
  kBrier,
  kCalibrationError,
  kCalibrationRatio,
  kAccuracy,
};
inline constexpr std::size_t kLabelledMetrics = 7;
/// "auc", "average_precision", "log_loss", "brier", "calibration_error", "calibration_ratio", "accuracy".
std::string_view LabelledMetricName(LabelledMetric metric);
std::optional<LabelledMetric> LabelledMetricOf(std::string_view name);
/// True of losses; any other metric is better when it is higher.
bool LowerIsBetter(std::string_view metric);

/// By LabelledMetric; not a number where the rows do not define it.
using LabelledValues = std::array<double, kLabelledMetrics>;

/// Rows in the order of their scores, once, for many weightings of their groups.
class WeighedRows {
 public:
  explicit WeighedRows(std::span<const LabelledResult> rows);

  /// Every metric of the rows, each standing as often as its group's weight says. Metrics of
  /// probabilities are no numbers where a score lies outside [0, 1].
  /// Cost:  one pass over the rows. Precondition: a weight for each group below groups().
  [[nodiscard]] LabelledValues At(std::span<const std::uint32_t> weights) const;
  /// 1 + the largest group.
  [[nodiscard]] std::size_t groups() const { return groups_; }

 private:
  struct Row {
    double probability = 0;
    double loss = 0;
    std::uint32_t group = 0;
    bool positive = false;
    bool last_of_ties = false;
  };
  /// Sum over positives of the precision at their score.
  [[nodiscard]] double PrecisionSum(std::span<const std::uint32_t> weights) const;

  std::vector<Row> rows_;  // by rising probability
  std::size_t groups_ = 0;
  bool probabilities_ = true;
};

/// Each metric that the rows define, with the percentile interval over resampled groups. A resample in
/// which a metric is not defined (one label only) does not count for it.
std::map<std::string, MetricValue> LabelledMetrics(std::span<const LabelledResult> rows,
                                                   const BootstrapOptions& options);

/// Metric of `candidate` less that of `reference`, both of the same resampled groups.
/// Errors: kFailedPrecondition (the rows do not define the metric), kInvalidArgument (other rows).
Result<MetricValue> PairedLabelledDifference(std::span<const LabelledResult> candidate,
                                             std::span<const LabelledResult> reference,
                                             LabelledMetric metric,
                                             const BootstrapOptions& options);

}  // namespace vitrine::evaluate
