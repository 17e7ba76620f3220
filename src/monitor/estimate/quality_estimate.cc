#include "monitor/estimate/quality_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "monitor/quality_row.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {
namespace {

/// Of what was learnt of the version before.
constexpr double kInherited = 0.25;
/// What an hour's error weighs an hour later.
constexpr double kDispersionKept = 0.95;
constexpr double kDispersionPrior = 3;
/// Grid of expected labels beside one, for IdealGain.
constexpr double kMostOthers = 8;
constexpr std::size_t kOthersSteps = 64;

std::string_view ModelOf(std::string_view row) { return row.substr(0, row.find('\n')); }
std::string_view SceneOf(std::string_view row) { return row.substr(row.find('\n') + 1); }
std::string_view NameOf(std::string_view model) { return model.substr(0, model.find(':')); }

// The hot paths look the cell of a place up.
const std::array<std::uint16_t, kMostPlaces>& FirstCells() {
  static const auto cells = [] {
    std::array<std::uint16_t, kMostPlaces> first{};
    for (std::size_t place = 0; place < kMostPlaces; ++place) {
      first[place] =
          static_cast<std::uint16_t>(PlaceCalibration::CellOf(0, PlaceCalibration::BandOf(place)));
    }
    return first;
  }();
  return cells;
}

std::size_t CellOf(std::size_t place, std::uint8_t bin) {
  constexpr std::size_t kPerBin = ScoreBins::kBins / PlaceCalibration::kBins;
  return FirstCells()[place] + bin / kPerBin;
}

}  // namespace

double QualityEstimates::Dispersion::Spread() const {
  return StudentQuantile(hours + kDispersionPrior) *
         std::sqrt((squares + kDispersionPrior) / (hours + kDispersionPrior));
}

void QualityEstimates::Dispersion::Add(double standardised) {
  squares = squares * kDispersionKept + standardised * standardised;
  hours = hours * kDispersionKept + 1;
}

QualityEstimates::QualityEstimates(std::vector<int> ks, std::array<Micros, kLabels> windows)
    : ks_(std::move(ks)), windows_(windows) {
  closed_before_.fill(std::numeric_limits<std::int64_t>::min());
  final_before_ = std::numeric_limits<std::int64_t>::min();
  std::vector<double> ideal = {0};
  for (std::size_t place = 0; place < kMostPlaces; ++place) {
    discounts_.push_back(1 / std::log2(static_cast<double>(place) + 2));
    ideal.push_back(ideal.back() + discounts_.back());
  }
  // 1 / ideal(min(k, 1 + others)), others being Poisson.
  for (const int k : ks_) {
    std::vector<double> gains;
    for (std::size_t step = 0; step <= kOthersSteps; ++step) {
      const double mean = kMostOthers * static_cast<double>(step) / kOthersSteps;
      double chance = std::exp(-mean);
      double gain = 0;
      for (std::size_t others = 0; others + 1 < kMostPlaces; ++others) {
        gain += chance / ideal[std::min(static_cast<std::size_t>(k), 1 + others)];
        chance *= mean / static_cast<double>(others + 1);
      }
      gains.push_back(gain);
    }
    ideal_gains_.push_back(std::move(gains));
  }
}

double QualityEstimates::IdealGain(std::size_t k, double others) const {
  const double at = std::min(others, kMostOthers) / kMostOthers * kOthersSteps;
  const auto step = std::min(static_cast<std::size_t>(at), kOthersSteps - 1);
  const double beyond = at - static_cast<double>(step);
  const std::vector<double>& gains = ideal_gains_[k];
  return gains[step] * (1 - beyond) + gains[step + 1] * beyond;
}

QualityEstimates::Series* QualityEstimates::FindSeries(std::uint32_t id) {
  for (Series& series : series_) {
    if (series.id == id) {
      return &series;
    }
  }
  return nullptr;
}

const ScoreBins* QualityEstimates::BinsOf(const AnswerScores& scores) const {
  for (const Series& series : series_) {
    if (series.id == scores.series) {
      return &series.bins;
    }
  }
  return nullptr;
}

QualityEstimates::Series& QualityEstimates::SeriesOf(const std::string& row, Micros ts) {
  for (Series& series : series_) {
    if (series.row == row) {
      series.newest = std::max(series.newest, ts);
      return series;
    }
  }
  if (series_.size() == kMostSeries) {
    const auto oldest =
        std::min_element(series_.begin(), series_.end(), [](const Series& a, const Series& b) {
          return std::pair(a.newest, a.id) < std::pair(b.newest, b.id);
        });
    Leave(*oldest);
    series_.erase(oldest);
  }
  Series fresh;
  fresh.id = next_id_++;
  fresh.row = row;
  fresh.newest = ts;
  for (OfLabel& of : fresh.labels) {
    of.observed.resize(ks_.size());
    of.expected.resize(ks_.size());
    of.ratios.resize(ks_.size(), 1);
    of.ndcg_dispersion.resize(ks_.size());
    of.ndcg_track.resize(ks_.size());
    of.last_ndcg.resize(ks_.size(), -1);
  }
  Begin(fresh);
  series_.push_back(std::move(fresh));
  return series_.back();
}

// The version before is the one of the same scene that answered last, of the same name rather than of another.
void QualityEstimates::Begin(Series& series) const {
  const Series* before = nullptr;
  const auto same_name = [&](const Series& other) {
    return NameOf(ModelOf(other.row)) == NameOf(ModelOf(series.row));
  };
  for (const Series& other : series_) {
    if (SceneOf(other.row) != SceneOf(series.row) ||
        !other.labels[static_cast<std::size_t>(Label::kClick)].calibration.ready()) {
      continue;
    }
    if (before == nullptr || std::tuple(same_name(other), other.newest, other.id) >
                                 std::tuple(same_name(*before), before->newest, before->id)) {
      before = &other;
    }
  }
  if (before == nullptr) {
    return;
  }
  const bool scores = same_name(*before) && before->bins.ready();
  series.origin = scores ? CalibrationOrigin::kBefore : CalibrationOrigin::kPositions;
  series.before = ModelOf(before->row);
  if (scores) {
    series.bins = before->bins;
  }
  for (std::size_t l = 0; l < kLabels; ++l) {
    const OfLabel& from = before->labels[l];
    OfLabel& to = series.labels[l];
    to.calibration = from.calibration.Inherited(kInherited, scores);
    to.last_ctr = from.last_ctr;
    to.last_ndcg = from.last_ndcg;
  }
}

void QualityEstimates::Leave(Series& series) {
  for (auto& [hour, estimates] : series.hours) {
    final_hours_[{hour, series.row}] = std::move(estimates);
  }
}

void QualityEstimates::TakeScores(Series& series, const Impression& impression,
                                  AnswerScores& scores) const {
  const std::size_t places = std::min(impression.items.size(), kMostPlaces);
  if (!series.bins.ready()) {
    for (std::size_t place = 0; place < places; ++place) {
      series.bins.Learn(impression.items[place].score);
    }
    return;
  }
  std::array<double, kMostPlaces> values;
  for (std::size_t place = 0; place < places; ++place) {
    values[place] = impression.items[place].score;
    scores.bins[place] = series.bins.BinOf(values[place]);
    scores.expected += std::isfinite(values[place]) ? values[place] : 0;
  }
  scores.places = static_cast<std::uint8_t>(places);
  scores.known = !impression.history.empty();
  series.scores.OnAnswer(std::span(values).first(places), std::span(scores.bins).first(places));
}

void QualityEstimates::OnAnswer(const std::string& row, const Impression& impression,
                                std::int64_t hour, Micros ts, AnswerScores& scores) {
  Series& series = SeriesOf(row, ts);
  scores.series = series.id;
  TakeScores(series, impression, scores);
  const std::size_t places = std::min(impression.items.size(), kMostPlaces);
  for (std::size_t l = 0; l < kLabels; ++l) {
    const OfLabel& of = series.labels[l];
    if (!of.calibration.ready() || hour < closed_before_[l] || hour < final_before_) {
      continue;
    }
    HourEstimate& estimate = series.hours[hour].labels[l];
    const double before = estimate.labelled;
    Estimate(series, static_cast<Label>(l), scores, places, estimate);
    if (static_cast<Label>(l) == Label::kClick) {
      series.shown += static_cast<double>(places);
      series.clicks += estimate.labelled - before;
    }
  }
}

void QualityEstimates::Estimate(const Series& series, Label label, const AnswerScores& scores,
                                std::size_t places, HourEstimate& hour) const {
  const OfLabel& of = series.labels[static_cast<std::size_t>(label)];
  if (hour.answers == 0 || hour.fits != of.fits) {
    NoteWhatIsKnown(of, hour);
  }
  std::array<double, kMostPlaces> chances;
  double labels = 0;
  double none = 1;
  for (std::size_t place = 0; place < places; ++place) {
    const double chance = of.calibration.Rate(CellOf(place, scores.bins[place]));
    chances[place] = chance;
    labels += chance;
    none *= 1 - chance;
  }
  ++hour.answers;
  hour.shown += places;
  hour.labelled += labels;
  hour.lists += 1 - none;
  std::size_t place = 0;
  double gain = 0;
  for (std::size_t k = 0; k < ks_.size(); ++k) {
    for (; place < std::min(places, static_cast<std::size_t>(ks_[k])); ++place) {
      gain += chances[place] * discounts_[place];
    }
    // Beside a labelled place the others are labelled as always.
    const double others = places == 0 ? 0 : labels - labels / static_cast<double>(places);
    hour.gains[k] += gain * IdealGain(k, others);
  }
}

void QualityEstimates::NoteWhatIsKnown(const OfLabel& of, HourEstimate& hour) const {
  hour.fits = of.fits;
  hour.gains.resize(ks_.size());
  hour.ndcg_spreads.resize(ks_.size());
  hour.ndcg_carried = of.last_ndcg;
  hour.ndcg_ratios = of.ratios;
  hour.level_variance = of.calibration.level_variance();
  hour.ratio_lists = of.lists + kRatioPrior;
  hour.ctr_spread = of.ctr_dispersion.Spread();
  hour.ctr_carried = of.last_ctr;
  for (std::size_t k = 0; k < ks_.size(); ++k) {
    hour.ndcg_spreads[k] = of.ndcg_dispersion[k].Spread();
  }
}

void QualityEstimates::OnLabels(Label label, const AnswerScores& scores, std::uint64_t labelled,
                                std::size_t group, std::int64_t hour) {
  Series* series = scores.places == 0 ? nullptr : FindSeries(scores.series);
  if (series == nullptr) {
    return;
  }
  PlaceCalibration& calibration = series->labels[static_cast<std::size_t>(label)].calibration;
  for (std::size_t place = 0; place < scores.places; ++place) {
    calibration.Add(CellOf(place, scores.bins[place]), (labelled >> place & 1U) != 0);
  }
  if (label == Label::kClick) {
    const bool open =
        hour >= closed_before_[static_cast<std::size_t>(label)] && hour >= final_before_;
    series->scores.OnClicks(std::span(scores.bins).first(scores.places), labelled, scores.expected,
                            scores.known, group, open ? std::optional(hour) : std::nullopt);
  }
}

void QualityEstimates::Finish(std::int64_t before) {
  if (before <= final_before_) {
    return;
  }
  final_before_ = before;
  for (Series& series : series_) {
    while (!series.hours.empty() && series.hours.begin()->first < final_before_) {
      final_hours_[{series.hours.begin()->first, series.row}] =
          std::move(series.hours.begin()->second);
      series.hours.erase(series.hours.begin());
    }
  }
  while (final_hours_.size() > kMostFinalRows) {
    final_hours_.erase(final_hours_.begin());
  }
}

void QualityEstimates::DropFinalHours(const std::vector<HourRow>& hours) {
  for (const HourRow& hour : hours) {
    final_hours_.erase(hour);
  }
}

const HourEstimates* QualityEstimates::Find(const HourRow& hour) const {
  for (const Series& series : series_) {
    if (series.row == hour.second) {
      if (const auto found = series.hours.find(hour.first); found != series.hours.end()) {
        return &found->second;
      }
    }
  }
  const auto found = final_hours_.find(hour);
  return found == final_hours_.end() ? nullptr : &found->second;
}

}  // namespace vitrine::monitor
