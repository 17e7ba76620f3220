/// Statistics on raw values and on counts.
/// Threads: pure functions; inputs are copied where they must be sorted.
#pragma once

#include <span>

namespace vitrine::monitor {

struct TestResult {
  double statistic = 0;
  double p_value = 1;
  double degrees = 0;  ///< of freedom, where the test has them
};

/// Two-sample Kolmogorov-Smirnov: the largest difference of the empirical distributions.
/// 0 and p = 1 where a sample is empty. Precondition: no NaN.
TestResult KolmogorovSmirnov(std::span<const double> a, std::span<const double> b);

/// Wasserstein-1 of two samples, in the unit of the values; 0 where a sample is empty.
double Wasserstein(std::span<const double> a, std::span<const double> b);

/// Population standard deviation.
double StandardDeviation(std::span<const double> values);

/// Chi-square of observed counts against a distribution that is known exactly (expected shares or
/// counts of any sum). Bins where nothing is expected and nothing seen do not count.
TestResult ChiSquareGoodness(std::span<const double> expected, std::span<const double> observed);

/// Chi-square of two samples over the same bins (both are uncertain). Bins empty in both do not
/// count.
TestResult ChiSquareTwoSamples(std::span<const double> a, std::span<const double> b);

}  // namespace vitrine::monitor
