/// What was estimated of the answers of an hour, how it is reported, and how well it held.
/// Threads: values, pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/artifact.h"
#include "monitor/quality_counts.h"
#include "monitor/scores/score_hour.h"
#include "monitor/scores/score_quality.h"

namespace vitrine::monitor {

/// What a calibration rests on; as written: "own", "before", "positions".
enum class CalibrationOrigin : std::uint8_t {
  kOwn,        ///< answers of the same version and scene
  kBefore,     ///< still some of the version before, scores included
  kPositions,  ///< still some of what positions said of another model
};
std::string_view CalibrationOriginName(CalibrationOrigin origin);

/// Answers of one hour for one label. Sums of what was expected.
struct HourEstimate {
  std::uint64_t answers = 0;
  std::uint64_t shown = 0;
  double labelled = 0;        ///< places
  double lists = 0;           ///< answers with a labelled place
  std::vector<double> gains;  ///< NDCG by k over those lists, by the model alone
  bool labels_in = false;     ///< it was held against its labels
  // As known when the newest of them was given.
  std::uint64_t fits = 0;
  double level_variance = 0;
  double ratio_lists = 0;  ///< labelled answers that the lists' ratio rests on
  double ctr_spread =
      0;  ///< half width of the interval in standard deviations of independent labels
  double ctr_carried = -1;           ///< of the newest hour with labels; -1: there was none
  std::vector<double> ndcg_spreads;  ///< by k
  std::vector<double> ndcg_carried;
  std::vector<double> ndcg_ratios;  ///< of what came to what the model alone expects
};
struct HourEstimates {
  std::array<HourEstimate, kLabels> labels;
  ScoreHour scores;  ///< once clicks are in
};

MetricValue EstimatedCtr(const HourEstimate& hour);
MetricValue EstimatedNdcg(const HourEstimate& hour, std::size_t k);
void AddScores(ScoreHour& sum, const ScoreHour& other);
/// Adds other answers; what is known of each counts by its answers.
void AddEstimate(HourEstimate& sum, const HourEstimate& other);

/// How estimates of past hours held: sums.
struct EstimateTrack {
  double hours = 0;
  double covered = 0;  ///< of those, with what came within the interval
  double error = 0;    ///< estimate less what came
  double absolute = 0;
  double squares = 0;
  double carried_hours = 0;  ///< for which there was an hour before with labels
  double carried_absolute = 0;
  double carried_squares = 0;
  void Add(const MetricValue& estimate, double came, double carried);
};

/// One label of one version in one scene.
struct EstimateRow {
  std::string model;
  std::string scene;
  Label label = Label::kClick;
  std::optional<CalibrationOrigin> origin;  ///< none: too few labels yet
  std::string before;                       ///< the version that it began with, where it did
  HourEstimate open;                        ///< answers of hours whose labels are not in
  std::int64_t from = 0;                    ///< the first of those hours
  EstimateTrack ctr;
  std::vector<EstimateTrack> ndcg;  ///< by k
  double shown_ever = 0;  ///< estimated places since it began, and labels expected of them
  double labelled_ever = 0;
};

/// Scores against clicks of one version in one scene since it began.
struct ScoreRow {
  std::string model;
  std::string scene;
  ScoreReport report;
};

nlohmann::json HourEstimateToJson(const HourEstimate& hour);
template <typename Json>  // nlohmann::json, JsonView
HourEstimate HourEstimateFromJson(const Json& json, std::size_t ks);
nlohmann::json ScoreHourToJson(const ScoreHour& hour);
template <typename Json>
ScoreHour ScoreHourFromJson(const Json& json);
nlohmann::json TrackToJson(const EstimateTrack& track);
EstimateTrack TrackFromJson(const nlohmann::json& json);

/// The same as kept with hours, to six digits: a JSON array by label, and behind them the scores.
std::string HourEstimatesText(const HourEstimates& hour);

/// CTR and NDCG by k of what was counted, for one label; NDCG is 0 where no answer has the label.
double CountedCtr(const QualityCounts& counts, Label label);
double CountedNdcg(const QualityCounts& counts, Label label, std::size_t k);

}  // namespace vitrine::monitor
