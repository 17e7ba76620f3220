#include "monitor/statistics/sample_tests.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/check.h"
#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

std::vector<double> Sorted(std::span<const double> values) {
  std::vector<double> out(values.begin(), values.end());
  std::sort(out.begin(), out.end());
  return out;
}

/// Walks over the distinct values of both sorted samples; f(value, F_a, F_b) after each.
template <typename F>
void WalkDistributions(const std::vector<double>& a, const std::vector<double>& b, F&& f) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    const double value = j == b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
    while (i < a.size() && a[i] == value) {
      ++i;
    }
    while (j < b.size() && b[j] == value) {
      ++j;
    }
    f(value, static_cast<double>(i) / static_cast<double>(a.size()),
      static_cast<double>(j) / static_cast<double>(b.size()));
  }
}

double Sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

TestResult KolmogorovSmirnov(std::span<const double> a, std::span<const double> b,
                             KsMethod method) {
  TestResult result;
  if (a.empty() || b.empty()) {
    return result;
  }
  WalkDistributions(Sorted(a), Sorted(b), [&](double, double in_a, double in_b) {
    result.statistic = std::max(result.statistic, std::abs(in_a - in_b));
  });
  result.p_value = KolmogorovTwoSampleTail(result.statistic, a.size(), b.size(), method);
  return result;
}

TestResult MannWhitney(std::span<const double> a, std::span<const double> b) {
  TestResult result;
  if (a.empty() || b.empty()) {
    return result;
  }
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  double below_b = 0;
  double tied = 0;  // sum of t^3 - t over values that stand t times
  double at_a = 0;
  double at_b = 0;
  WalkDistributions(Sorted(a), Sorted(b), [&](double, double in_a, double in_b) {
    const double here_a = std::round(in_a * n) - at_a;
    const double here_b = std::round(in_b * m) - at_b;
    result.statistic += here_a * (below_b + here_b / 2);
    const double t = here_a + here_b;
    tied += t * t * t - t;
    at_a += here_a;
    at_b += here_b;
    below_b = at_b;
  });
  const double all = n + m;
  const double variance = n * m / 12 * (all + 1 - tied / (all * (all - 1)));
  if (variance > 0) {
    const double z = (result.statistic - n * m / 2) / std::sqrt(variance);
    result.p_value = std::erfc(std::abs(z) / std::sqrt(2.0));
  }
  return result;
}

double Wasserstein(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) {
    return 0;
  }
  double sum = 0;
  double previous = 0;
  double gap = 0;
  WalkDistributions(Sorted(a), Sorted(b), [&](double value, double in_a, double in_b) {
    sum += gap == 0 ? 0 : gap * (value - previous);
    previous = value;
    gap = std::abs(in_a - in_b);
  });
  return sum;
}

double StandardDeviation(std::span<const double> values) {
  if (values.empty()) {
    return 0;
  }
  const auto n = static_cast<double>(values.size());
  const double mean = Sum(values) / n;
  double squares = 0;
  for (const double v : values) {
    squares += (v - mean) * (v - mean);
  }
  return std::sqrt(squares / n);
}

TestResult ChiSquareGoodness(std::span<const double> expected, std::span<const double> observed) {
  CHECK(expected.size() == observed.size());
  TestResult result;
  const double scale = Sum(observed) / Sum(expected);
  double bins = 0;
  for (std::size_t b = 0; b < expected.size(); ++b) {
    const double e = expected[b] * scale;
    if (e == 0 && observed[b] == 0) {
      continue;
    }
    bins += 1;
    result.statistic += e == 0 ? std::numeric_limits<double>::infinity()
                               : (observed[b] - e) * (observed[b] - e) / e;
  }
  result.degrees = std::max(bins - 1, 0.0);
  result.p_value =
      std::isinf(result.statistic) ? 0 : ChiSquareTail(result.statistic, result.degrees);
  return result;
}

TestResult ChiSquareTwoSamples(std::span<const double> a, std::span<const double> b) {
  CHECK(a.size() == b.size());
  TestResult result;
  const double n = Sum(a);
  const double m = Sum(b);
  if (n == 0 || m == 0) {
    return result;
  }
  double bins = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double both = a[i] + b[i];
    if (both == 0) {
      continue;
    }
    bins += 1;
    const double in_a = both * n / (n + m);
    const double in_b = both * m / (n + m);
    result.statistic += (a[i] - in_a) * (a[i] - in_a) / in_a + (b[i] - in_b) * (b[i] - in_b) / in_b;
  }
  result.degrees = std::max(bins - 1, 0.0);
  result.p_value = ChiSquareTail(result.statistic, result.degrees);
  return result;
}

}  // namespace vitrine::monitor
