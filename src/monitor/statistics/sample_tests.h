/// Statistics on raw values and on counts.
/// Threads: pure functions; inputs are copied where they must be sorted.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace vitrine::monitor {

struct TestResult {
  double statistic = 0;
  double p_value = 1;
  double degrees = 0;  ///< of freedom, where the test has them
};

enum class KsMethod {
  kAuto,        ///< exact where the samples are of one size or their product is at most a million
  kExact,       ///< of the lattice path; cost n m steps where the sizes differ
  kAsymptotic,  ///< of one sample at n m / (n + m) rows: relative error below 1e-9 in the tail,
                ///< absolute error about 1e-4 elsewhere, and what n m / (n + m) itself leaves out
};

/// Two-sample Kolmogorov-Smirnov: the largest difference of the empirical distributions.
/// 0 and p = 1 where a sample is empty. Precondition: no NaN. With ties p errs to the safe side.
TestResult KolmogorovSmirnov(std::span<const double> a, std::span<const double> b,
                             KsMethod method = KsMethod::kAsymptotic);

/// P(D >= d) of two samples of n and m values without ties under no difference.
/// Source: Gnedenko & Korolyuk 1951 (n = m), Viehmann 2021 (the stable recursion for n != m)
double KolmogorovTwoSampleTail(double d, std::size_t n, std::size_t m, KsMethod method);

/// Wasserstein-1 of two samples, in the unit of the values; 0 where a sample is empty.
double Wasserstein(std::span<const double> a, std::span<const double> b);

/// Both of the above on samples whose distinct values come in ascending order with their counts:
/// one pass, constant memory.
/// Threads: one caller.
class AscendingPair {
 public:
  AscendingPair(double n, double m) : n_(n), m_(m) {}
  void Add(double value, double in_a, double in_b) {
    // Before the first value the gap is 0.
    area_ += gap_ == 0 ? 0 : gap_ * (value - previous_);
    below_a_ += in_a;
    below_b_ += in_b;
    previous_ = value;
    gap_ = std::abs(below_a_ / n_ - below_b_ / m_);
    ks_ = std::max(ks_, gap_);
  }
  [[nodiscard]] double ks() const { return ks_; }
  [[nodiscard]] double wasserstein() const { return area_; }

 private:
  double n_;
  double m_;
  double below_a_ = 0;
  double below_b_ = 0;
  double previous_ = 0;
  double gap_ = 0;
  double ks_ = 0;
  double area_ = 0;
};

/// Mann-Whitney's U of `a` (pairs where a is above b, ties half), two-sided p by the normal
/// approximation with tie correction and without continuity correction; degrees unused.
/// U / (n m) is the AUC of "greater means a". U = 0 and p = 1 where a sample is empty.
TestResult MannWhitney(std::span<const double> a, std::span<const double> b);

/// Population standard deviation.
double StandardDeviation(std::span<const double> values);

/// Chi-square of observed counts against a distribution that is known exactly (expected shares or
/// counts of any sum). Bins where nothing is expected and nothing seen do not count.
TestResult ChiSquareGoodness(std::span<const double> expected, std::span<const double> observed);

/// Chi-square of two samples over the same bins (both are uncertain). Bins empty in both do not
/// count.
TestResult ChiSquareTwoSamples(std::span<const double> a, std::span<const double> b);

}  // namespace vitrine::monitor
