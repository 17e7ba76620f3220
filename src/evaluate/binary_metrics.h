/// Metrics of predicted probabilities (clicks, conversions) against what happened.
/// Shapes:  labels [n], scores [n]; a label above 0 is positive.
/// Errors:  kInvalidArgument: sizes differ or are 0, a score is not finite (names the row), a
///          probability lies outside [0, 1]; kFailedPrecondition: the metric needs both classes.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "core/status.h"

namespace vitrine::evaluate {

/// Area under the ROC curve; tied pairs count one half.   Source: Mann & Whitney 1947, average ranks
Result<double> Auc(std::span<const std::uint8_t> labels, std::span<const double> scores);

/// Mean over positives of the precision at their score's threshold: sum (R_n - R_{n-1}) P_n over
/// distinct thresholds.
Result<double> AveragePrecision(std::span<const std::uint8_t> labels,
                                std::span<const double> scores);

/// Mean negative log likelihood, natural logarithm; probabilities are kept 2^-52 away from 0 and 1.
Result<double> LogLoss(std::span<const std::uint8_t> labels, std::span<const double> scores);

/// Mean squared difference of probability and label.   Source: Brier 1950
Result<double> Brier(std::span<const std::uint8_t> labels, std::span<const double> scores);

/// Share of rows where (score >= threshold) is the label.
Result<double> Accuracy(std::span<const std::uint8_t> labels, std::span<const double> scores,
                        double threshold = 0.5);

/// Calibration error: the rows by rising probability are cut into `parts` of about equal size, equal probabilities never
/// apart; mean over rows of how far a part's mean probability is from its share of positives.
/// Errors:  also kInvalidArgument for parts < 1
/// Source: Naeini, Cooper & Hauskrecht, AAAI 2015; parts of equal size: Nguyen & O'Connor, EMNLP 2015
Result<double> CalibrationError(std::span<const std::uint8_t> labels,
                                std::span<const double> scores, int parts = 10);

/// Positives that the probabilities expect, over those that there are; 1 is calibrated in the large.
/// Errors:  kFailedPrecondition without a positive row
Result<double> CalibrationRatio(std::span<const std::uint8_t> labels,
                                std::span<const double> scores);

/// Harmonic mean of precision and recall at score >= threshold; 0 where nothing is predicted.
Result<double> F1(std::span<const std::uint8_t> labels, std::span<const double> scores,
                  double threshold = 0.5);

}  // namespace vitrine::evaluate
