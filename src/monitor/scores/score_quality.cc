#include "monitor/scores/score_quality.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "monitor/quality_row.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

constexpr int kParts = 10;
constexpr int kFewestGroups = 6;

std::size_t PositionSlice(std::size_t place) {
  return place == 0 ? 0 : place < 3 ? 1 : place < 10 ? 2 : 3;
}

}  // namespace

MetricValue CalibrationRatio(std::span<const ExpectedAndCame> groups) {
  double expected = 0;
  double came = 0;
  int filled = 0;
  for (const ExpectedAndCame& group : groups) {
    expected += group.expected;
    came += group.came;
    filled += group.expected > 0 ? 1 : 0;
  }
  if (came == 0 || expected == 0) {
    return {};
  }
  const double whole = std::log(expected / came);
  double squares = 0;
  for (const ExpectedAndCame& group : groups) {
    if (group.expected > 0 && came > group.came && expected > group.expected) {
      const double without = std::log((expected - group.expected) / (came - group.came)) - whole;
      squares += without * without;
    }
  }
  MetricValue ratio{expected / came, 0, 0};
  if (filled >= kFewestGroups) {
    const double freedom = filled - 1;
    const double half = StudentQuantile(freedom) * std::sqrt(squares * freedom / filled);
    ratio.low = std::exp(whole - half);
    ratio.high = std::exp(whole + half);
  }
  return ratio;
}

void ScoreQuality::OnAnswer(std::span<const double> scores, std::span<const std::uint8_t> bins) {
  for (std::size_t place = 0; place < scores.size(); ++place) {
    const double score = scores[place];
    if (!std::isfinite(score)) {
      probabilities_ = false;
      continue;
    }
    probabilities_ = probabilities_ && score >= 0 && score <= 1;
    score_sums_[bins[place]] += score;
    scored_[bins[place]] += 1;
  }
}

void ScoreQuality::OnClicks(std::span<const std::uint8_t> bins, std::uint64_t clicked,
                            double expected, bool known, std::size_t group,
                            std::optional<std::int64_t> hour) {
  constexpr std::size_t kPerCoarse = kBins / kCoarse;
  Counts<kCoarse>* const of_hour = hour ? &hours_[*hour] : nullptr;
  Counts<kCoarse>& of_shopper = slices_[known ? 5 : 4];
  for (std::size_t place = 0; place < bins.size(); ++place) {
    const bool click = (clicked >> place & 1U) != 0;
    const std::size_t coarse = bins[place] / kPerCoarse;
    all_.Add(bins[place], click);
    if (of_hour != nullptr) {
      of_hour->Add(coarse, click);
    }
    of_shopper.Add(coarse, click);
    slices_[PositionSlice(place)].Add(coarse, click);
    groups_[group].came += click ? 1 : 0;
  }
  groups_[group].expected += expected;
}

template <std::size_t n>
std::array<double, n> ScoreQuality::Means() const {
  std::array<double, n> means{};
  for (std::size_t bin = 0; bin < n; ++bin) {
    double sum = 0;
    double places = 0;
    for (std::size_t fine = bin * kBins / n; fine < (bin + 1) * kBins / n; ++fine) {
      sum += score_sums_[fine];
      places += scored_[fine];
    }
    means[bin] = places > 0 ? sum / places : 0;
  }
  return means;
}

template <std::size_t n>
ScoreFigures ScoreQuality::Figures(const Counts<n>& counts) const {
  const std::array<double, n> means = Means<n>();
  const BinnedScores scores{counts.clicked, counts.others, means};
  ScoreFigures figures;
  double clicked = 0;
  double places = 0;
  for (std::size_t bin = 0; bin < n; ++bin) {
    clicked += counts.clicked[bin];
    places += counts.clicked[bin] + counts.others[bin];
  }
  figures.places = static_cast<std::uint64_t>(places);
  figures.clicked = static_cast<std::uint64_t>(clicked);
  figures.auc = BinnedAuc(scores);
  if (probabilities_) {
    figures.log_loss = BinnedLogLoss(scores);
    figures.calibration_error = BinnedCalibrationError(scores, kParts);
    figures.accuracy = BinnedAccuracy(scores, 0.5);
    figures.expected_ratio = clicked > 0 ? BinnedExpected(scores) / clicked : 0;
  }
  return figures;
}

ScoreReport ScoreQuality::Report() const {
  ScoreReport report;
  report.probabilities = probabilities_;
  report.all = Figures(all_);
  if (probabilities_) {
    report.expected_ratio = CalibrationRatio(groups_);
  }
  for (std::size_t slice = 0; slice < slices_.size(); ++slice) {
    report.slices[slice] = Figures(slices_[slice]);
  }
  return report;
}

ScoreHour ScoreQuality::InShort(const Counts<kCoarse>& counts) const {
  const ScoreFigures figures = Figures(counts);
  ScoreHour hour;
  hour.places = static_cast<double>(figures.places);
  hour.clicked = static_cast<double>(figures.clicked);
  hour.pairs = hour.clicked * (hour.places - hour.clicked);
  hour.wins = figures.auc.value * hour.pairs;
  hour.probabilities = probabilities_;
  hour.log_loss = figures.log_loss * hour.places;
  hour.expected = figures.expected_ratio * hour.clicked;
  if (probabilities_ && hour.clicked == 0) {
    const auto means = Means<kCoarse>();
    hour.expected = BinnedExpected({counts.clicked, counts.others, means});
  }
  return hour;
}

json ScoreQuality::Save() const {
  const auto pair = [](const auto& counts) { return json::array({counts.clicked, counts.others}); };
  json slices = json::array();
  for (const auto& slice : slices_) {
    slices.push_back(pair(slice));
  }
  json groups = json::array();
  for (const ExpectedAndCame& group : groups_) {
    groups.push_back(group.expected);
    groups.push_back(group.came);
  }
  json hours = json::array();
  for (const auto& [hour, counts] : hours_) {
    hours.push_back({hour, pair(counts)});
  }
  return {{"probabilities", probabilities_},
          {"sums", score_sums_},
          {"scored", scored_},
          {"all", pair(all_)},
          {"slices", std::move(slices)},
          {"groups", std::move(groups)},
          {"hours", std::move(hours)}};
}

ScoreQuality ScoreQuality::Load(const json& saved) {
  const auto read_pair = [](const json& j, auto& counts) {
    j.at(0).get_to(counts.clicked);
    j.at(1).get_to(counts.others);
  };
  ScoreQuality read;
  read.probabilities_ = saved.at("probabilities").get<bool>();
  saved.at("sums").get_to(read.score_sums_);
  saved.at("scored").get_to(read.scored_);
  read_pair(saved.at("all"), read.all_);
  for (std::size_t slice = 0; slice < read.slices_.size(); ++slice) {
    read_pair(saved.at("slices").at(slice), read.slices_[slice]);
  }
  const auto groups = saved.at("groups").get<std::array<double, 2 * kShopperGroups>>();
  for (std::size_t g = 0; g < kShopperGroups; ++g) {
    read.groups_[g] = {groups[2 * g], groups[2 * g + 1]};
  }
  for (const json& hour : saved.at("hours")) {
    read_pair(hour.at(1), read.hours_[hour.at(0).get<std::int64_t>()]);
  }
  return read;
}

}  // namespace vitrine::monitor
