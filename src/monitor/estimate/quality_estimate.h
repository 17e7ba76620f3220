/// CTR and NDCG@k before labels are in: from the scores and positions of what was shown, and the model of
/// place_calibration.h, fitted on answers of the same version and scene whose labels are in. An answer is estimated by the
/// calibration in force when it was given; each hour is held against its labels once they are in, and the error is kept.
///
/// CTR: the mean of the places' chances. NDCG@k, which is over answers with a label: places are taken as independent, so that
/// beside a labelled place there are Poisson many others, which gives the ideal list; the same hours' ratio of what was to
/// what was expected takes out what that neglects (shoppers who click more than others, labelled items that were not shown).
/// Bias: where what a score is worth changes, the estimate follows by the level of the last hours only, as carrying
/// the last hour forward would; within an hour of it, it does not know.
/// Intervals: variance of labels and level, as labels were independent, times the dispersion that the hours before
/// showed (mean square of standardised errors, three hours of 1 as a prior), by Student's quantile.
/// Source: place_calibration.h; dispersion: Wedderburn, "Quasi-likelihood functions", Biometrika 61 (1974)
///
/// A version that has no labels yet begins with a quarter of what was learnt of the version before it in the scene: of
/// the same name with its scores, of another only with what positions say.
/// Memory: 48 versions and scenes, about 90 KiB each; the one longest without an answer leaves. Follows from the
/// log alone. Threads: one caller at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/impression.h"
#include "core/time.h"
#include "monitor/estimate/estimate_rows.h"
#include "monitor/estimate/place_calibration.h"
#include "monitor/estimate/score_bins.h"
#include "monitor/quality_counts.h"

namespace vitrine::monitor {

/// What an answer keeps until its labels are in.
struct AnswerScores {
  std::uint32_t series = 0;  ///< 0: none
  std::uint8_t places = 0;   ///< with a bin; 0 while the bins are still learnt
  bool known = false;        ///< something was known of the shopper
  double expected = 0;       ///< sum of the scores
  std::array<std::uint8_t, kMostPlaces> bins{};
};

class QualityEstimates {
 public:
  /// `ks` rising, at most 64; `windows` by label, in which labels may come.
  QualityEstimates(std::vector<int> ks, std::array<Micros, kLabels> windows);

  /// An answer of a row (model and scene joined by '\n') was given in `hour`. No memory is asked for once its row and
  /// hour are known.
  void OnAnswer(const std::string& row, const Impression& impression, std::int64_t hour, Micros ts,
                AnswerScores& scores);
  /// The labels of an answer are in; bit p of `labelled`: place p has the label.
  /// `group` of shoppers and `hour` are the answer's.
  void OnLabels(Label label, const AnswerScores& scores, std::uint64_t labelled, std::size_t group,
                std::int64_t hour);
  /// Time has come to `now`. `hours` gives what hours counted, by hour and row.
  void Advance(Micros now, const std::map<HourRow, QualityCounts>& hours);
  /// Hours before it are final.
  void Finish(std::int64_t before);
  void DropFinalHours(const std::vector<HourRow>& hours);

  /// Of an hour that is open, or final and not dropped; null where it was not estimated.
  [[nodiscard]] const HourEstimates* Find(const HourRow& hour) const;
  /// What answers whose labels are not in are worth, and how well that was known of others, by row and label.
  [[nodiscard]] std::vector<EstimateRow> Report() const;
  /// Bins of an answer's series; null where it is none.
  [[nodiscard]] const ScoreBins* BinsOf(const AnswerScores& scores) const;
  /// Scores against clicks, by row.
  [[nodiscard]] std::vector<ScoreRow> Scores() const;

  [[nodiscard]] nlohmann::json Save() const;
  /// Replaces everything; throws nlohmann::json::exception where it is none.
  void Load(const nlohmann::json& saved);

 private:
  static constexpr std::size_t kMostSeries = 48;
  static constexpr double kRatioPrior =
      20;  ///< labelled answers that draw the lists' ratio half the way to 1
  static constexpr std::size_t kMostFinalRows = 32'768;

  /// Standardised errors of hours, older ones weighing less.
  struct Dispersion {
    double squares = 0;
    double hours = 0;
    [[nodiscard]] double Spread() const;
    void Add(double standardised);
  };
  struct OfLabel {
    PlaceCalibration calibration;
    std::uint64_t fits = 0;        ///< so many times it was fitted
    std::vector<double> observed;  ///< NDCG by k over labelled answers, of the last hours
    std::vector<double> expected;  ///< the same by the model
    std::vector<double> ratios;    ///< of the two
    double lists = 0;              ///< labelled answers behind them
    Dispersion ctr_dispersion;
    std::vector<Dispersion> ndcg_dispersion;  ///< by k
    EstimateTrack ctr_track;
    std::vector<EstimateTrack> ndcg_track;
    double last_ctr = -1;  ///< of the newest hour with labels; -1: none
    std::vector<double> last_ndcg;
  };
  struct Series {
    std::uint32_t id = 0;
    std::string row;
    Micros newest;
    CalibrationOrigin origin = CalibrationOrigin::kOwn;
    std::string before;  ///< the version that it began with
    ScoreBins bins;
    ScoreQuality scores;
    std::array<OfLabel, kLabels> labels;
    std::map<std::int64_t, HourEstimates> hours;
    double shown = 0;   ///< estimated places since it began
    double clicks = 0;  ///< of those, by estimate
  };

  Series* FindSeries(std::uint32_t id);
  Series& SeriesOf(const std::string& row, Micros ts);
  void Begin(Series& series) const;
  void Leave(Series& series);
  void TakeScores(Series& series, const Impression& impression, AnswerScores& scores) const;
  void Estimate(const Series& series, Label label, const AnswerScores& scores, std::size_t places,
                HourEstimate& hour) const;
  void NoteWhatIsKnown(const OfLabel& of, HourEstimate& hour) const;
  void CloseHours(Label label, std::int64_t before, const std::map<HourRow, QualityCounts>& hours);
  /// True where it was so far off that something has turned.
  bool Judge(OfLabel& of, Label label, const HourEstimate& estimate,
             const QualityCounts& counted) const;
  [[nodiscard]] double IdealGain(std::size_t k, double others) const;
  static nlohmann::json SaveLabel(const OfLabel& of);
  [[nodiscard]] OfLabel LoadLabel(const nlohmann::json& saved) const;

  std::vector<int> ks_;
  std::array<Micros, kLabels> windows_;
  std::vector<double> discounts_;
  std::vector<std::vector<double>> ideal_gains_;  ///< by k: 1 / ideal, over a grid of `others`
  std::vector<Series> series_;
  std::uint32_t next_id_ = 1;
  std::array<std::int64_t, kLabels> closed_before_;
  std::int64_t final_before_;
  std::map<HourRow, HourEstimates> final_hours_;
};

}  // namespace vitrine::monitor
