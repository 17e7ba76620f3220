/// Metrics of scores against labels from counts in bins of the score, for logs that are too long to keep.
/// Errors of binning are stated with each value; with as many bins as there are scores they are 0. The exact
/// functions are in evaluate/binary_metrics.h.
/// Shapes:  spans of one length, an element a bin, by rising score; `mean_scores` of places with a label or without
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>

namespace vitrine::monitor {

struct BinnedScores {
  std::span<const double> labelled;     ///< places with the label
  std::span<const double> others;       ///< places without
  std::span<const double> mean_scores;  ///< of the bin
};

/// A value, and how far the value of the single scores may be from it.
struct BinnedValue {
  double value = 0;
  double error = 0;
};

/// Area under the ROC curve; scores that share a bin count as tied, one half. 0.5 where a class is empty.
/// Error: half of the pairs that share a bin, since each could have counted 0 or 1.
/// Source: Mann & Whitney 1947
BinnedValue BinnedAuc(const BinnedScores& scores);

/// Mean negative log likelihood of the bins' mean scores as probabilities, kept 1e-9 away from 0 and 1. That of the single
/// scores differs by how far they lie from their bin's mean: see scores/score_quality_test.cc for how much.
double BinnedLogLoss(const BinnedScores& scores);

/// Mean over `parts` of about as many places, of the difference of mean score and share with the label, by places.
/// Source: Naeini, Cooper & Hauskrecht, AAAI 2015; parts of equal size: Nguyen & O'Connor, EMNLP 2015
double BinnedCalibrationError(const BinnedScores& scores, int parts);

/// Share of places where (score >= threshold) is the label. Error: the share of the bin that the threshold may lie in.
BinnedValue BinnedAccuracy(const BinnedScores& scores, double threshold);

/// Labels expected of the scores as probabilities.
double BinnedExpected(const BinnedScores& scores);

}  // namespace vitrine::monitor
