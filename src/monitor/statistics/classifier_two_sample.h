/// Have vectors (embeddings, texts as hashed n-grams) moved? The classifier two-sample test: on one
/// half of the rows a classifier learns to tell current from reference; on the other half its scores
/// are compared by Mann-Whitney. Where nothing moved, those scores come from one distribution
/// whatever was learned, so p is right for any classifier, width and data; where something moved, the
/// AUC says how well the two can be told apart.
/// Why this one: MMD and energy distance need a kernel's width and n^2 distances a permutation. This
/// costs two passes, works on sparse vectors, and has an effect size that people know.
/// The classifier is that of nearest shrunken centroids: one weight a position from its t statistic,
/// less 1 towards 0, so that thousands of n-grams that did not move do not drown one that did. It
/// sees changes of means; dense vectors bring their squares along, so that changes of spread are seen
/// too. What shows only in how positions go together is not seen.
/// Source: Lopez-Paz & Oquab 2017 (Revisiting Classifier Two-Sample Tests), Tibshirani et al. 2002.
/// Threads: pure functions; deterministic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/statistics/drift_verdict.h"

namespace vitrine::monitor {

/// Values that are not 0, by position; positions below the width given beside the rows.
using SparseRow = std::vector<std::pair<std::uint32_t, float>>;

inline constexpr std::size_t kTextWidth = std::size_t{1} << 14;

/// A text as the set of its hashed byte n-grams of 3 and 6 (one and two Chinese characters), ASCII
/// letters lowered, of length 1. Empty for an empty text. Width: kTextWidth.
SparseRow TextVector(std::string_view text);

/// Dense rows standardised by the mean and spread of all rows of both sides (so the two sides are
/// treated alike), each value followed by its square less 1. Positions where all rows are equal are
/// left out. Shapes: values [rows, width]; the result's width is 2 width.
std::vector<SparseRow> WithSquares(std::span<const float> reference, std::span<const float> current,
                                   std::size_t width);

struct ClassifierTestResult {
  double auc = 0.5;  ///< on held-out rows: 0.5 cannot be told apart, 1 wholly
  double p_value = 1;
  double held_out_reference = 0;  ///< rows
  double held_out_current = 0;
};

/// p is one-sided: a classifier worse than chance is no evidence. Rows are halved by their number in
/// turn, so that equal input gives equal output. AUC 0.5 and p = 1 below 4 rows a side.
ClassifierTestResult ClassifierTwoSample(std::span<const SparseRow> reference,
                                         std::span<const SparseRow> current, std::size_t width);

/// An AUC in the unit of corrected PSI, so that one floor serves all columns: two normal
/// distributions d apart have PSI d^2 and AUC Phi(d / sqrt 2), hence 2 z^2 at z = Phi^-1(AUC), less
/// what chance alone gives. 0 at AUC <= 0.5.
double PsiOfAuc(double auc, double n, double m);

/// The test as a verdict that JudgeDrift's others can be decided with (DecideTogether).
DriftVerdict MeasureVectors(std::string feature, std::span<const SparseRow> reference,
                            std::span<const SparseRow> current, std::size_t width,
                            const DriftOptions& options);

}  // namespace vitrine::monitor
