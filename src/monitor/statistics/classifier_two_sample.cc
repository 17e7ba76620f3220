#include "monitor/statistics/classifier_two_sample.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>

#include "monitor/stable_hash.h"
#include "monitor/statistics/sample_tests.h"
#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

constexpr double kShrink = 1;  // of a position's t statistic

/// Sums by position over the learning half (every second row from the first).
struct Moments {
  explicit Moments(std::size_t width) : sum(width, 0), squares(width, 0) {}
  void Learn(std::span<const SparseRow> side) {
    for (std::size_t i = 0; i < side.size(); i += 2) {
      for (const auto& [position, value] : side[i]) {
        sum[position] += value;
        squares[position] += static_cast<double>(value) * value;
      }
      rows += 1;
    }
  }
  std::vector<double> sum;
  std::vector<double> squares;
  double rows = 0;
};

std::vector<double> Weights(const Moments& reference, const Moments& current) {
  const double degrees = reference.rows + current.rows - 2;
  const double scale = 1 / reference.rows + 1 / current.rows;
  std::vector<double> weights(reference.sum.size(), 0);
  for (std::size_t j = 0; j < weights.size(); ++j) {
    const double r = reference.sum[j] / reference.rows;
    const double c = current.sum[j] / current.rows;
    const double within =
        reference.squares[j] + current.squares[j] - reference.rows * r * r - current.rows * c * c;
    const double variance = within / degrees;
    if (variance <= 1e-12 * (r * r + c * c)) {
      weights[j] =
          c == r ? 0 : std::copysign(1e6, c - r);  // constant on each side, and not the same
      continue;
    }
    const double error = std::sqrt(variance * scale);
    const double t = (c - r) / error;
    const double shrunken = std::copysign(std::max(0.0, std::abs(t) - kShrink), t) * error;
    weights[j] = shrunken / variance;
  }
  return weights;
}

std::vector<double> HeldOutScores(std::span<const SparseRow> side,
                                  const std::vector<double>& weights) {
  std::vector<double> scores;
  scores.reserve(side.size() / 2);
  for (std::size_t i = 1; i < side.size(); i += 2) {
    double score = 0;
    for (const auto& [position, value] : side[i]) {
      score += weights[position] * value;
    }
    scores.push_back(score);
  }
  return scores;
}

char Lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

SparseRow TextVector(std::string_view text) {
  std::string lowered(text);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), Lowered);
  std::vector<std::uint32_t> positions;
  for (const std::size_t length : {std::size_t{3}, std::size_t{6}}) {
    for (std::size_t at = 0; at + length <= lowered.size(); ++at) {
      positions.push_back(static_cast<std::uint32_t>(
          StableHash(std::string_view(lowered).substr(at, length)) % kTextWidth));
    }
  }
  if (positions.empty() && !lowered.empty()) {
    positions.push_back(static_cast<std::uint32_t>(StableHash(lowered) % kTextWidth));
  }
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  const auto value = static_cast<float>(1 / std::sqrt(static_cast<double>(positions.size())));
  SparseRow row;
  row.reserve(positions.size());
  for (const std::uint32_t position : positions) {
    row.emplace_back(position, value);
  }
  return row;
}

std::vector<SparseRow> WithSquares(std::span<const float> reference, std::span<const float> current,
                                   std::size_t width) {
  const std::size_t rows = width == 0 ? 0 : (reference.size() + current.size()) / width;
  const auto at = [&](std::size_t row, std::size_t j) {
    const std::size_t place = row * width + j;
    return static_cast<double>(place < reference.size() ? reference[place]
                                                        : current[place - reference.size()]);
  };
  std::vector<SparseRow> out(rows);
  for (std::size_t j = 0; j < width; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      sum += at(i, j);
    }
    const double mean = sum / static_cast<double>(rows);
    double squares = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      squares += (at(i, j) - mean) * (at(i, j) - mean);
    }
    const double spread = std::sqrt(squares / static_cast<double>(rows));
    if (spread <= 1e-12 * std::abs(mean) || spread == 0) {
      continue;
    }
    for (std::size_t i = 0; i < rows; ++i) {
      const double z = (at(i, j) - mean) / spread;
      out[i].emplace_back(static_cast<std::uint32_t>(2 * j), static_cast<float>(z));
      out[i].emplace_back(static_cast<std::uint32_t>(2 * j + 1), static_cast<float>(z * z - 1));
    }
  }
  return out;
}

ClassifierTestResult ClassifierTwoSample(std::span<const SparseRow> reference,
                                         std::span<const SparseRow> current, std::size_t width) {
  constexpr std::size_t kLeast = 4;
  ClassifierTestResult result;
  if (reference.size() < kLeast || current.size() < kLeast) {
    return result;
  }
  Moments of_reference(width);
  Moments of_current(width);
  of_reference.Learn(reference);
  of_current.Learn(current);
  const std::vector<double> weights = Weights(of_reference, of_current);
  const std::vector<double> low = HeldOutScores(reference, weights);
  const std::vector<double> high = HeldOutScores(current, weights);
  result.held_out_reference = static_cast<double>(low.size());
  result.held_out_current = static_cast<double>(high.size());
  const TestResult u = MannWhitney(high, low);
  result.auc = u.statistic / (result.held_out_reference * result.held_out_current);
  result.p_value = result.auc > 0.5 ? u.p_value / 2 : 1 - u.p_value / 2;
  return result;
}

double PsiOfAuc(double auc, double n, double m) {
  if (auc <= 0.5 || n <= 0 || m <= 0) {
    return 0;
  }
  const double z = NormalQuantile(auc);
  const double by_chance = 2 * std::numbers::pi * (n + m + 1) / (12 * n * m);
  return std::max(0.0, 2 * (z * z - by_chance));
}

DriftVerdict MeasureVectors(std::string feature, std::span<const SparseRow> reference,
                            std::span<const SparseRow> current, std::size_t width,
                            const DriftOptions& options) {
  DriftVerdict v;
  v.feature = std::move(feature);
  v.reference_rows = static_cast<double>(reference.size());
  v.current_rows = static_cast<double>(current.size());
  v.judged = std::min(v.reference_rows, v.current_rows) >= std::max(options.minimum_rows, 8.0);
  if (!v.judged) {
    return v;
  }
  const ClassifierTestResult test = ClassifierTwoSample(reference, current, width);
  v.p_value = test.p_value;
  v.auc = test.auc;
  v.corrected_psi = PsiOfAuc(test.auc, test.held_out_reference, test.held_out_current);
  return v;
}

}  // namespace vitrine::monitor
