#include "evaluate/labelled_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "evaluate/draws.h"

namespace vitrine::evaluate {
namespace {

constexpr std::array<std::string_view, kLabelledMetrics> kNames = {
    "auc",     "average_precision", "log_loss", "brier", "calibration_error", "calibration_ratio",
    "accuracy"};
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr double kEdge = std::numeric_limits<double>::epsilon();
constexpr int kCalibrationParts = 10;

double& ValueOf(LabelledValues& values, LabelledMetric metric) {
  return values[static_cast<std::size_t>(metric)];
}

/// Sums over the rows that need no order.
struct Sums {
  double weight = 0;
  double positives = 0;
  double expected = 0;
  double loss = 0;
  double squares = 0;
  double right = 0;
};

/// Of rising probabilities, ties together: pairs won, and how far parts of equal size are off.
class RisingPass {
 public:
  explicit RisingPass(double all) : all_(all) {}

  void Take(double weight, bool positive, double probability) {
    (positive ? tied_positives_ : tied_negatives_) += weight;
    miss_ += weight * (probability - (positive ? 1 : 0));
  }
  void EndTies() {
    const double tied = tied_positives_ + tied_negatives_;
    if (tied == 0) {
      return;
    }
    wins_ += tied_positives_ * (below_ + tied_negatives_ / 2);
    below_ += tied_negatives_;
    seen_ += tied;
    tied_positives_ = tied_negatives_ = 0;
    if (seen_ == all_ || seen_ >= all_ * part_ / kCalibrationParts) {
      error_ += std::fabs(miss_);
      miss_ = 0;
      while (part_ < kCalibrationParts && seen_ >= all_ * part_ / kCalibrationParts) {
        ++part_;
      }
    }
  }
  [[nodiscard]] double wins() const { return wins_; }
  [[nodiscard]] double error() const { return error_; }

 private:
  double all_;
  double tied_positives_ = 0;
  double tied_negatives_ = 0;
  double below_ = 0;  // negatives of lower scores
  double wins_ = 0;
  double seen_ = 0;
  double miss_ = 0;
  double error_ = 0;
  int part_ = 1;
};

/// Weights of one resample: how often each group was drawn.
void Draw(Draws& draws, std::vector<std::uint32_t>& weights) {
  std::fill(weights.begin(), weights.end(), 0U);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    ++weights[draws.Below(weights.size())];
  }
}

MetricValue Interval(double mean, std::vector<double> values, const BootstrapOptions& options) {
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.confidence) / 2;
  return values.empty()
             ? MetricValue{mean, mean, mean}
             : MetricValue{mean, SortedQuantile(values, tail), SortedQuantile(values, 1 - tail)};
}

/// Groups as 0, 1, ... : a slice has some of the users only, and no other may be drawn.
std::vector<LabelledResult> Renumbered(std::span<const LabelledResult> rows) {
  std::map<std::uint32_t, std::uint32_t> numbers;
  std::vector<LabelledResult> out(rows.begin(), rows.end());
  for (LabelledResult& row : out) {
    row.group =
        numbers.try_emplace(row.group, static_cast<std::uint32_t>(numbers.size())).first->second;
  }
  return out;
}

}  // namespace

std::string_view LabelledMetricName(LabelledMetric metric) {
  return kNames[static_cast<std::size_t>(metric)];
}

std::optional<LabelledMetric> LabelledMetricOf(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? std::nullopt
                               : std::optional(static_cast<LabelledMetric>(found - kNames.begin()));
}

bool LowerIsBetter(std::string_view metric) {
  return metric == "log_loss" || metric == "brier" || metric == "calibration_error";
}

WeighedRows::WeighedRows(std::span<const LabelledResult> rows) {
  for (const LabelledResult& row : rows) {
    const double p = std::clamp(row.probability, kEdge, 1 - kEdge);
    rows_.push_back({.probability = row.probability,
                     .loss = row.label > 0 ? -std::log(p) : -std::log1p(-p),
                     .group = row.group,
                     .positive = row.label > 0,
                     .last_of_ties = false});
    groups_ = std::max<std::size_t>(groups_, std::size_t{row.group} + 1);
    probabilities_ = probabilities_ && row.probability >= 0 && row.probability <= 1;
  }
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return a.probability < b.probability; });
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    rows_[i].last_of_ties =
        i + 1 == rows_.size() || rows_[i + 1].probability != rows_[i].probability;
  }
}

double WeighedRows::PrecisionSum(std::span<const std::uint32_t> weights) const {
  double sum = 0;
  double above = 0;
  double positives = 0;
  double tied_positives = 0;
  for (std::size_t i = rows_.size(); i-- > 0;) {
    const double w = weights[rows_[i].group];
    above += w;
    tied_positives += rows_[i].positive ? w : 0;
    if (i == 0 || rows_[i - 1].last_of_ties) {
      positives += tied_positives;
      sum += tied_positives > 0 ? tied_positives * positives / above : 0;
      tied_positives = 0;
    }
  }
  return sum;
}

LabelledValues WeighedRows::At(std::span<const std::uint32_t> weights) const {
  Sums sums;
  for (const Row& row : rows_) {
    const double w = weights[row.group];
    sums.weight += w;
    sums.positives += row.positive ? w : 0;
    sums.expected += w * row.probability;
    sums.loss += w * row.loss;
    const double miss = row.probability - (row.positive ? 1 : 0);
    sums.squares += w * miss * miss;
    sums.right += (row.probability >= 0.5) == row.positive ? w : 0;
  }
  RisingPass rising(sums.weight);
  for (const Row& row : rows_) {
    rising.Take(weights[row.group], row.positive, row.probability);
    if (row.last_of_ties) {
      rising.EndTies();
    }
  }
  const double negatives = sums.weight - sums.positives;
  LabelledValues values;
  values.fill(kUndefined);
  using enum LabelledMetric;
  if (sums.positives > 0) {
    ValueOf(values, kAveragePrecision) = PrecisionSum(weights) / sums.positives;
    if (negatives > 0) {
      ValueOf(values, kAuc) = rising.wins() / (sums.positives * negatives);
    }
  }
  if (probabilities_ && sums.weight > 0) {
    ValueOf(values, kLogLoss) = sums.loss / sums.weight;
    ValueOf(values, kBrier) = sums.squares / sums.weight;
    ValueOf(values, kCalibrationError) = rising.error() / sums.weight;
    ValueOf(values, kAccuracy) = sums.right / sums.weight;
    if (sums.positives > 0) {
      ValueOf(values, kCalibrationRatio) = sums.expected / sums.positives;
    }
  }
  return values;
}

std::map<std::string, MetricValue> LabelledMetrics(std::span<const LabelledResult> rows,
                                                   const BootstrapOptions& options) {
  const WeighedRows weighed(Renumbered(rows));
  std::vector<std::uint32_t> weights(weighed.groups(), 1);
  const LabelledValues all = weighed.At(weights);
  std::array<std::vector<double>, kLabelledMetrics> drawn;
  Draws draws(options.seed);
  for (int b = 0; b < std::max(options.resamples, 1); ++b) {
    Draw(draws, weights);
    const LabelledValues values = weighed.At(weights);
    for (std::size_t m = 0; m < kLabelledMetrics; ++m) {
      if (std::isfinite(values[m])) {
        drawn[m].push_back(values[m]);
      }
    }
  }
  std::map<std::string, MetricValue> metrics;
  for (std::size_t m = 0; m < kLabelledMetrics; ++m) {
    if (std::isfinite(all[m])) {
      metrics[std::string(kNames[m])] = Interval(all[m], std::move(drawn[m]), options);
    }
  }
  return metrics;
}

Result<MetricValue> PairedLabelledDifference(std::span<const LabelledResult> candidate,
                                             std::span<const LabelledResult> reference,
                                             LabelledMetric metric,
                                             const BootstrapOptions& options) {
  if (candidate.size() != reference.size()) {
    return InvalidArgument("the two reports hold different rows");
  }
  const WeighedRows ours(Renumbered(candidate));
  const WeighedRows theirs(Renumbered(reference));
  if (ours.groups() != theirs.groups()) {
    return InvalidArgument("the two reports are of different users");
  }
  const auto m = static_cast<std::size_t>(metric);
  std::vector<std::uint32_t> weights(ours.groups(), 1);
  const double all = ours.At(weights)[m] - theirs.At(weights)[m];
  if (!std::isfinite(all)) {
    return FailedPrecondition(fmt::format(
        "{} is not defined on these rows: it needs both labels, and probabilities", kNames[m]));
  }
  std::vector<double> drawn;
  Draws draws(options.seed);
  for (int b = 0; b < std::max(options.resamples, 1); ++b) {
    Draw(draws, weights);
    const double value = ours.At(weights)[m] - theirs.At(weights)[m];
    if (std::isfinite(value)) {
      drawn.push_back(value);
    }
  }
  return Interval(all, std::move(drawn), options);
}

}  // namespace vitrine::evaluate
