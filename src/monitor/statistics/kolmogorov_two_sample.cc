// The exact null distribution of the two-sample Kolmogorov-Smirnov statistic.
#include <algorithm>
#include <cmath>
#include <vector>

#include "monitor/statistics/sample_tests.h"
#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

constexpr double kMostSteps = 1e6;  // of the recursion, where nobody asked for it: about 5 ms

double LogFactorial(double x) {
  int sign = 0;
  return ::lgamma_r(x + 1, &sign);
}

/// The least whole number that is no less than x, but for rounding.
double WholeFrom(double x) { return std::ceil(x * (1 - 1e-12) - 1e-9); }

/// n = m: 2 sum over k >= 1 of (-1)^(k - 1) C(2n, n - k h) / C(2n, n), where D = h / n.
double EqualSizes(double d, double n) {
  const double h = std::max(1.0, WholeFrom(d * n));
  double sum = 0;
  double sign = 1;
  for (double k = 1; k * h <= n; ++k) {
    const double term =
        std::exp(2 * LogFactorial(n) - LogFactorial(n - k * h) - LogFactorial(n + k * h));
    sum += sign * term;
    sign = -sign;
    if (term < 1e-18 * sum || term == 0) {
      break;
    }
  }
  return 2 * sum;
}

/// The probability that a random path from (0, 0) to (n, m) touches |i / n - j / m| >= d. Every
/// value is a sum of positive terms, so that small p keep their digits.
double AnySizes(double d, std::size_t n, std::size_t m) {
  // In whole numbers, so that a path that touches is not missed by rounding.
  const double across = static_cast<double>(n) * static_cast<double>(m);
  const double bound = WholeFrom(d * across) - 0.5;
  const auto touches = [&](std::size_t i, std::size_t j) {
    return std::abs(static_cast<double>(i) * static_cast<double>(m) -
                    static_cast<double>(j) * static_cast<double>(n)) > bound;
  };
  std::vector<double> row(m + 1, 0);
  for (std::size_t i = 0; i <= n; ++i) {
    for (std::size_t j = 0; j <= m; ++j) {
      if (touches(i, j)) {
        row[j] = 1;
        continue;
      }
      const auto up = static_cast<double>(i);
      const auto right = static_cast<double>(j);
      const double from_left = j == 0 ? 0 : right * row[j - 1];
      const double from_below = i == 0 ? 0 : up * row[j];
      row[j] = i + j == 0 ? 0 : (from_left + from_below) / (up + right);
    }
  }
  return row[m];
}

}  // namespace

double KolmogorovTwoSampleTail(double d, std::size_t n, std::size_t m, KsMethod method) {
  if (d <= 0 || n == 0 || m == 0) {
    return 1;
  }
  const auto rows_a = static_cast<double>(n);
  const auto rows_b = static_cast<double>(m);
  const bool exact = method == KsMethod::kExact ||
                     (method == KsMethod::kAuto && (n == m || rows_a * rows_b <= kMostSteps));
  if (!exact) {
    return KolmogorovTail(d, std::round(rows_a * rows_b / (rows_a + rows_b)));
  }
  return std::clamp(n == m ? EqualSizes(d, rows_a) : AnySizes(d, n, m), 0.0, 1.0);
}

}  // namespace vitrine::monitor
