#include "monitor/estimate/estimate_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/time.h"
#include "monitor/json_view.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

MetricValue Between(double mean, double half) {
  return {mean, std::max(0.0, mean - half), std::min(1.0, mean + half)};
}

// Means of two, by weights.
void Blend(double& a, double weight_a, double b, double weight_b) {
  a = Ratio(a * weight_a + b * weight_b, weight_a + weight_b);
}

}  // namespace

std::string_view CalibrationOriginName(CalibrationOrigin origin) {
  switch (origin) {
    case CalibrationOrigin::kOwn:
      return "own";
    case CalibrationOrigin::kBefore:
      return "before";
    case CalibrationOrigin::kPositions:
      return "positions";
  }
  return "";
}

MetricValue EstimatedCtr(const HourEstimate& hour) {
  const auto shown = static_cast<double>(hour.shown);
  const double mean = Ratio(hour.labelled, shown);
  const double variance = Ratio(mean * (1 - mean), shown) + mean * mean * hour.level_variance;
  return Between(mean, hour.ctr_spread * std::sqrt(variance));
}

MetricValue EstimatedNdcg(const HourEstimate& hour, std::size_t k) {
  if (k >= hour.gains.size() || k >= hour.ndcg_spreads.size()) {
    return {};
  }
  const double mean = std::min(1.0, hour.ndcg_ratios[k] * Ratio(hour.gains[k], hour.lists));
  // Of all values between 0 and 1 with this mean, none vary more.
  const double most = mean * (1 - mean);
  const double variance = Ratio(most, hour.lists) + Ratio(most, hour.ratio_lists);
  return Between(mean, hour.ndcg_spreads[k] * std::sqrt(variance));
}

void AddEstimate(HourEstimate& sum, const HourEstimate& other) {
  if (other.answers == 0) {
    return;
  }
  const auto before = static_cast<double>(sum.answers);
  const auto more = static_cast<double>(other.answers);
  sum.labels_in = (sum.answers == 0 || sum.labels_in) && other.labels_in;
  sum.gains.resize(std::max(sum.gains.size(), other.gains.size()));
  sum.ndcg_spreads.resize(std::max(sum.ndcg_spreads.size(), other.ndcg_spreads.size()));
  sum.ndcg_carried.resize(sum.ndcg_spreads.size(), -1);
  sum.ndcg_ratios.resize(sum.ndcg_spreads.size());
  Blend(sum.level_variance, before, other.level_variance, more);
  Blend(sum.ratio_lists, before, other.ratio_lists, more);
  Blend(sum.ctr_spread, before, other.ctr_spread, more);
  const auto carry = [&](double& a, double b) {
    a = b < 0 || (before > 0 && a < 0) ? -1
                                       : Ratio(std::max(a, 0.0) * before + b * more, before + more);
  };
  carry(sum.ctr_carried, other.ctr_carried);
  for (std::size_t k = 0; k < other.ndcg_spreads.size(); ++k) {
    Blend(sum.ndcg_spreads[k], before, other.ndcg_spreads[k], more);
    Blend(sum.ndcg_ratios[k], before, other.ndcg_ratios[k], more);
    carry(sum.ndcg_carried[k], other.ndcg_carried[k]);
  }
  for (std::size_t k = 0; k < other.gains.size(); ++k) {
    sum.gains[k] += other.gains[k];
  }
  sum.answers += other.answers;
  sum.shown += other.shown;
  sum.labelled += other.labelled;
  sum.lists += other.lists;
}

void AddScores(ScoreHour& sum, const ScoreHour& other) {
  if (other.places == 0) {
    return;
  }
  sum.probabilities = (sum.places == 0 || sum.probabilities) && other.probabilities;
  sum.places += other.places;
  sum.clicked += other.clicked;
  sum.pairs += other.pairs;
  sum.wins += other.wins;
  sum.log_loss += other.log_loss;
  sum.expected += other.expected;
}

void EstimateTrack::Add(const MetricValue& estimate, double came, double carried) {
  const double miss = estimate.mean - came;
  hours += 1;
  covered += came >= estimate.low && came <= estimate.high ? 1 : 0;
  error += miss;
  absolute += std::fabs(miss);
  squares += miss * miss;
  if (carried >= 0) {
    carried_hours += 1;
    carried_absolute += std::fabs(carried - came);
    carried_squares += (carried - came) * (carried - came);
  }
}

double CountedCtr(const QualityCounts& counts, Label label) {
  return Ratio(static_cast<double>(counts.labels[static_cast<std::size_t>(label)].places),
               static_cast<double>(counts.shown));
}

double CountedNdcg(const QualityCounts& counts, Label label, std::size_t k) {
  const QualityCounts::OfLabel& of = counts.labels[static_cast<std::size_t>(label)];
  return k < of.ndcg.size() ? Ratio(of.ndcg[k], static_cast<double>(of.answers)) : 0;
}

json HourEstimateToJson(const HourEstimate& h) {
  return {h.answers,     h.shown,        h.labelled,       h.lists,       h.gains,
          h.labels_in,   h.fits,         h.level_variance, h.ratio_lists, h.ctr_spread,
          h.ctr_carried, h.ndcg_spreads, h.ndcg_carried,   h.ndcg_ratios};
}

template <typename Json>
HourEstimate HourEstimateFromJson(const Json& j, std::size_t ks) {
  HourEstimate h;
  h.answers = j.at(0).template get<std::uint64_t>();
  h.shown = j.at(1).template get<std::uint64_t>();
  h.labelled = j.at(2).template get<double>();
  h.lists = j.at(3).template get<double>();
  h.gains = j.at(4).template get<std::vector<double>>();
  h.labels_in = j.at(5).template get<bool>();
  h.fits = j.at(6).template get<std::uint64_t>();
  h.level_variance = j.at(7).template get<double>();
  h.ratio_lists = j.at(8).template get<double>();
  h.ctr_spread = j.at(9).template get<double>();
  h.ctr_carried = j.at(10).template get<double>();
  h.ndcg_spreads = j.at(11).template get<std::vector<double>>();
  h.ndcg_carried = j.at(12).template get<std::vector<double>>();
  h.ndcg_ratios = j.at(13).template get<std::vector<double>>();
  const auto fits = [&](const std::vector<double>& values) {
    return values.size() == ks || (h.answers == 0 && values.empty());
  };
  if (!fits(h.gains) || !fits(h.ndcg_spreads) || !fits(h.ndcg_carried) || !fits(h.ndcg_ratios)) {
    throw json::other_error::create(501, "an estimate of other cut-offs", nullptr);
  }
  return h;
}
template HourEstimate HourEstimateFromJson(const json&, std::size_t);
template HourEstimate HourEstimateFromJson(const JsonView&, std::size_t);

json ScoreHourToJson(const ScoreHour& h) {
  return {h.places, h.clicked, h.pairs, h.wins, h.log_loss, h.expected, h.probabilities};
}

template <typename Json>
ScoreHour ScoreHourFromJson(const Json& j) {
  ScoreHour h;
  h.places = j.at(0).template get<double>();
  h.clicked = j.at(1).template get<double>();
  h.pairs = j.at(2).template get<double>();
  h.wins = j.at(3).template get<double>();
  h.log_loss = j.at(4).template get<double>();
  h.expected = j.at(5).template get<double>();
  h.probabilities = j.at(6).template get<bool>();
  return h;
}
template ScoreHour ScoreHourFromJson(const json&);
template ScoreHour ScoreHourFromJson(const JsonView&);

json TrackToJson(const EstimateTrack& t) {
  return {t.hours,         t.covered,          t.error,          t.absolute, t.squares,
          t.carried_hours, t.carried_absolute, t.carried_squares};
}

EstimateTrack TrackFromJson(const json& j) {
  const auto n = j.get<std::array<double, 8>>();
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]};
}

std::string HourEstimatesText(const HourEstimates& hour) {
  std::string out = "[";
  const auto list = [&out](const std::vector<double>& values) {
    out += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      fmt::format_to(std::back_inserter(out), "{}{:.6g}", i == 0 ? "" : ",", values[i]);
    }
    out += ']';
  };
  for (std::size_t l = 0; l < kLabels; ++l) {
    const HourEstimate& h = hour.labels[l];
    fmt::format_to(std::back_inserter(out), "{}[{},{},{:.6g},{:.6g},", l == 0 ? "" : ",", h.answers,
                   h.shown, h.labelled, h.lists);
    list(h.gains);
    fmt::format_to(std::back_inserter(out), ",{},{},{:.6g},{:.6g},{:.6g},{:.6g},", h.labels_in,
                   h.fits, h.level_variance, h.ratio_lists, h.ctr_spread, h.ctr_carried);
    list(h.ndcg_spreads);
    out += ',';
    list(h.ndcg_carried);
    out += ',';
    list(h.ndcg_ratios);
    out += ']';
  }
  const ScoreHour& s = hour.scores;
  fmt::format_to(std::back_inserter(out), ",[{},{},{:.6g},{:.6g},{:.6g},{:.6g},{}]]", s.places,
                 s.clicked, s.pairs, s.wins, s.log_loss, s.expected, s.probabilities);
  return out;
}

}  // namespace vitrine::monitor
