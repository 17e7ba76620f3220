/// How well the scores of one version in one scene tell what is clicked: AUC, log-loss, calibration and accuracy, as a whole,
/// by position, and by whether the shopper's history was known; by the hour in short. For any score AUC; for scores
/// that lie in [0, 1] all of them, read as probabilities.
/// Memory: about 20 KiB, and 1 KiB for each hour whose clicks may still come. The category of what is shown is not a slice:
/// the record of an answer does not hold it.
/// Threads: one caller at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/artifact.h"
#include "monitor/estimate/score_bins.h"
#include "monitor/quality_counts.h"
#include "monitor/scores/binned_scores.h"
#include "monitor/scores/score_hour.h"

namespace vitrine::monitor {

/// What was predicted and what came for one group of shoppers.
struct ExpectedAndCame {
  double expected = 0;
  double came = 0;
};

/// Labels that were expected over those that came, with a 95 % interval by leaving out one group of shoppers after the
/// other (delete-a-group jackknife, on the logarithm); mean 0 where nothing came, the interval 0 to 0 with fewer than six groups.
/// Source: Kott 2001, see quality_row.h
MetricValue CalibrationRatio(std::span<const ExpectedAndCame> groups);

inline constexpr std::array<std::string_view, 6> kScoreSlices = {
    "position 1",        "positions 2 to 3", "positions 4 to 10",
    "positions from 11", "shopper unknown",  "shopper known"};

/// One slice, or all.
struct ScoreFigures {
  std::uint64_t places = 0;
  std::uint64_t clicked = 0;
  BinnedValue auc;
  double log_loss = 0;           ///< this and the next ones of probabilities only
  double calibration_error = 0;  ///< over ten parts of equal size
  BinnedValue accuracy;          ///< at 0.5
  double expected_ratio = 0;     ///< expected / came; 0 where nothing came
};

struct ScoreReport {
  bool probabilities = false;
  ScoreFigures all;
  MetricValue expected_ratio;                            ///< with its interval
  std::array<ScoreFigures, kScoreSlices.size()> slices;  ///< in the order of kScoreSlices
};

class ScoreQuality {
 public:
  /// An answer's scores with their bins. Shapes: both [places]
  void OnAnswer(std::span<const double> scores, std::span<const std::uint8_t> bins);
  /// Its clicks are in; bit p of `clicked`: place p. `expected`: the sum of its scores. `known`: the shopper's history was.
  /// `hour` none: it is closed.
  void OnClicks(std::span<const std::uint8_t> bins, std::uint64_t clicked, double expected,
                bool known, std::size_t group, std::optional<std::int64_t> hour);
  /// Hours before it get no more clicks: in short from now on. Gives each of them to `keep`.
  template <typename Keep>
  void CloseHours(std::int64_t before, Keep&& keep) {
    while (!hours_.empty() && hours_.begin()->first < before) {
      keep(hours_.begin()->first, InShort(hours_.begin()->second));
      hours_.erase(hours_.begin());
    }
  }

  [[nodiscard]] ScoreReport Report() const;

  [[nodiscard]] nlohmann::json Save() const;
  /// Throws nlohmann::json::exception where it is none.
  static ScoreQuality Load(const nlohmann::json& saved);

 private:
  static constexpr std::size_t kBins = ScoreBins::kBins;
  static constexpr std::size_t kCoarse = 64;
  template <std::size_t n>
  struct Counts {
    std::array<double, n> clicked{};
    std::array<double, n> others{};
    void Add(std::size_t bin, bool click) { (click ? clicked : others)[bin] += 1; }
  };
  [[nodiscard]] ScoreHour InShort(const Counts<kCoarse>& counts) const;
  template <std::size_t n>
  [[nodiscard]] ScoreFigures Figures(const Counts<n>& counts) const;
  template <std::size_t n>
  [[nodiscard]] std::array<double, n> Means() const;

  bool probabilities_ = true;
  std::array<double, kBins> score_sums_{};
  std::array<double, kBins> scored_{};
  Counts<kBins> all_;
  std::array<Counts<kCoarse>, kScoreSlices.size()> slices_{};
  std::array<ExpectedAndCame, kShopperGroups> groups_{};
  std::map<std::int64_t, Counts<kCoarse>> hours_;
};

}  // namespace vitrine::monitor
