/// The chance that a shown place gets a label, from its score and its position: a position-based click model
///     P(label | bin of the score, band of the position) = rate x of_bin x of_band x level
/// fitted on answers whose labels are in. `of_bin` and `of_band` come from a long memory (a day of hours with answers), by
/// iterative proportional fitting, each drawn towards 1 as by a Gamma prior; `level` from the last hours, so that a change
/// of taste that leaves the scores as they were is followed within hours instead of days.
/// Assumes: position and score act independently (no fatigue, no neighbours), and what a score is worth now is what it was
/// worth in the answers that it was fitted on, but for the level.
/// Source: position-based model: Richardson et al., WWW 2007; Craswell et al., WSDM 2008. Fitting: Deming & Stephan 1940;
///         Darroch & Ratcliff 1972 (it is the Poisson likelihood's maximum). Estimating a metric by calibrated
///         probabilities: Bialek et al., "Estimating Model Performance Under Covariate Shift Without Labels", arXiv:2401.08348
/// Threads: one caller at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace vitrine::monitor {

class PlaceCalibration {
 public:
  static constexpr std::size_t kBins = 32;
  static constexpr std::size_t kBands = 14;
  static constexpr std::size_t kCells = kBins * kBands;

  /// 0 to 7 by themselves, then wider; `place` from 0, below 64.
  static std::size_t BandOf(std::size_t place);
  static constexpr std::size_t CellOf(std::size_t bin, std::size_t band) {
    return band * kBins + bin;
  }

  /// A place whose label is known. Counts from the next Close on.
  void Add(std::size_t cell, bool labelled) {
    shown_.now[cell] += 1;
    labelled_.now[cell] += labelled ? 1 : 0;
  }
  /// `hours` with answers are over: what was added is learnt, what is older weighs less, and the model is fitted anew.
  /// `turned`: they were so far off that the level begins anew with them.
  void Close(int hours, bool turned = false);

  /// Whether there were labels enough to say something.
  [[nodiscard]] bool ready() const { return ready_; }
  /// In [0, 0.95]; 0 before `ready`.
  [[nodiscard]] double Rate(std::size_t cell) const { return rates_[cell]; }
  /// Variance of the level over its square, as labels were independent.
  [[nodiscard]] double level_variance() const { return level_variance_; }

  /// For another version: as much as `share` of what was learnt. `scores` false: only what positions say, since its scores
  /// are not comparable.
  [[nodiscard]] PlaceCalibration Inherited(double share, bool scores) const;

  [[nodiscard]] nlohmann::json Save() const;
  /// Throws nlohmann::json::exception where it is none.
  static PlaceCalibration Load(const nlohmann::json& saved);

 private:
  using Cells = std::array<double, kCells>;
  struct Counts {
    Cells now{};    ///< since the last Close
    Cells last{};   ///< of the last hours; halved by each
    Cells long_{};  ///< of a day of hours
  };
  void Fit();

  Counts shown_;
  Counts labelled_;
  Cells rates_{};
  double level_variance_ = 0;
  bool ready_ = false;
};

}  // namespace vitrine::monitor
