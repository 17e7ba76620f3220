// QualityEstimates: hours held against their labels, and what is reported.
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "monitor/estimate/quality_estimate.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {
namespace {

/// Hours with fewer are not judged: chance is all that they show.
constexpr std::uint64_t kFewestAnswers = 50;
constexpr std::uint64_t kFewestLists = 10;
/// Of an hour's answers, so many must be estimated.
constexpr double kEstimatedShare = 0.9;
/// An error of so many half widths of the interval is no chance, nor how much hours differ: the level begins anew.
constexpr double kTurned = 1.5;
/// What one hour may teach about how much hours differ, in half widths.
constexpr double kMostMissed = 2;
/// What labelled answers weigh an hour later.
constexpr double kRatioKept = 0.8;
/// So many hours of its own labels leave an eighth of what a calibration began with.
constexpr std::uint64_t kOwnFits = 24;

std::string_view ModelOf(std::string_view row) { return row.substr(0, row.find('\n')); }
std::string_view SceneOf(std::string_view row) { return row.substr(row.find('\n') + 1); }

}  // namespace

void QualityEstimates::Advance(Micros now, const std::map<HourRow, QualityCounts>& hours) {
  for (std::size_t l = 0; l < kLabels; ++l) {
    const std::int64_t before = HourAt({now.value - windows_[l].value});
    if (before > closed_before_[l]) {
      CloseHours(static_cast<Label>(l), before, hours);
      closed_before_[l] = before;
    }
  }
}

void QualityEstimates::CloseHours(Label label, std::int64_t before,
                                  const std::map<HourRow, QualityCounts>& hours) {
  const auto l = static_cast<std::size_t>(label);
  const std::int64_t from = closed_before_[l];
  std::map<std::uint32_t, std::pair<int, bool>> answered;  // hours with answers, something turned
  for (auto at = hours.lower_bound({from, ""}); at != hours.end() && at->first.first < before;
       ++at) {
    const auto found = std::find_if(series_.begin(), series_.end(), [&](const Series& series) {
      return series.row == at->first.second;
    });
    if (found == series_.end()) {
      continue;
    }
    auto& [hours_of, turned] = answered[found->id];
    ++hours_of;
    const auto estimated = found->hours.find(at->first.first);
    turned |= Judge(found->labels[l], label,
                    estimated == found->hours.end() ? HourEstimate() : estimated->second.labels[l],
                    at->second);
    if (estimated != found->hours.end()) {
      estimated->second.labels[l].labels_in = true;
    }
  }
  for (Series& series : series_) {
    if (label == Label::kClick) {
      series.scores.CloseHours(before, [&](std::int64_t hour, const ScoreHour& scores) {
        series.hours[hour].scores = scores;
      });
    }
    if (const auto hours_of = answered.find(series.id); hours_of != answered.end()) {
      OfLabel& of = series.labels[l];
      of.calibration.Close(hours_of->second.first, hours_of->second.second);
      if (++of.fits == kOwnFits && label == Label::kClick) {
        series.origin = CalibrationOrigin::kOwn;
      }
    }
  }
}

bool QualityEstimates::Judge(OfLabel& of, Label label, const HourEstimate& estimate,
                             const QualityCounts& counted) const {
  const QualityCounts::OfLabel& came = counted.labels[static_cast<std::size_t>(label)];
  if (counted.answers < kFewestAnswers) {
    return false;
  }
  const bool estimated = static_cast<double>(estimate.answers) >=
                         kEstimatedShare * static_cast<double>(counted.answers);
  // In half widths of its interval.
  const auto missed = [](const MetricValue& value, double truth) {
    const double half = std::max(value.high - value.mean, value.mean - value.low);
    return half > 0 ? (truth - value.mean) / half : 0;
  };
  bool turned = false;
  of.last_ctr = CountedCtr(counted, label);
  if (estimated) {
    const MetricValue ctr = EstimatedCtr(estimate);
    of.ctr_track.Add(ctr, of.last_ctr, estimate.ctr_carried);
    const double miss = missed(ctr, of.last_ctr);
    turned = std::fabs(miss) > kTurned;
    of.ctr_dispersion.Add(estimate.ctr_spread * std::clamp(miss, -kMostMissed, kMostMissed));
  }
  if (came.answers < kFewestLists) {
    return turned;
  }
  const double kept = turned ? 0 : kRatioKept;
  of.lists = of.lists * kept + static_cast<double>(came.answers);
  for (std::size_t k = 0; k < ks_.size(); ++k) {
    of.last_ndcg[k] = CountedNdcg(counted, label, k);
    if (!estimated) {
      continue;
    }
    const MetricValue ndcg = EstimatedNdcg(estimate, k);
    of.ndcg_track[k].Add(ndcg, of.last_ndcg[k], estimate.ndcg_carried[k]);
    of.ndcg_dispersion[k].Add(estimate.ndcg_spreads[k] *
                              std::clamp(missed(ndcg, of.last_ndcg[k]), -kMostMissed, kMostMissed));
    const double lists = static_cast<double>(came.answers);
    const double alone = estimate.lists > 0 ? estimate.gains[k] / estimate.lists : 0;
    of.observed[k] = of.observed[k] * kept + of.last_ndcg[k] * lists;
    of.expected[k] = of.expected[k] * kept + alone * lists;
    const double prior = kRatioPrior * alone;
    of.ratios[k] =
        of.expected[k] + prior > 0 ? (of.observed[k] + prior) / (of.expected[k] + prior) : 1;
  }
  return turned;
}

std::vector<EstimateRow> QualityEstimates::Report() const {
  std::vector<EstimateRow> rows;
  for (const Series& series : series_) {
    for (std::size_t l = 0; l < kLabels; ++l) {
      const OfLabel& of = series.labels[l];
      EstimateRow row;
      row.model = ModelOf(series.row);
      row.scene = SceneOf(series.row);
      row.label = static_cast<Label>(l);
      if (of.calibration.ready()) {
        row.origin = series.origin;
      }
      row.before = series.before;
      for (auto hour = series.hours.lower_bound(closed_before_[l]); hour != series.hours.end();
           ++hour) {
        row.from = row.open.answers == 0 ? hour->first : row.from;
        AddEstimate(row.open, hour->second.labels[l]);
      }
      row.ctr = of.ctr_track;
      row.ndcg = of.ndcg_track;
      if (row.label == Label::kClick) {
        row.shown_ever = series.shown;
        row.labelled_ever = series.clicks;
      }
      rows.push_back(std::move(row));
    }
  }
  std::sort(rows.begin(), rows.end(), [](const EstimateRow& a, const EstimateRow& b) {
    return std::tie(a.model, a.scene, a.label) < std::tie(b.model, b.scene, b.label);
  });
  return rows;
}

std::vector<ScoreRow> QualityEstimates::Scores() const {
  std::vector<ScoreRow> rows;
  for (const Series& series : series_) {
    rows.push_back({std::string(ModelOf(series.row)), std::string(SceneOf(series.row)),
                    series.scores.Report()});
  }
  std::sort(rows.begin(), rows.end(), [](const ScoreRow& a, const ScoreRow& b) {
    return std::tie(a.model, a.scene) < std::tie(b.model, b.scene);
  });
  return rows;
}

}  // namespace vitrine::monitor
