#include "monitor/statistics/special_functions.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vitrine::monitor {
namespace {

constexpr int kMostSteps = 100'000;
constexpr double kTiny = 1e-300;

/// P(a, x) by its power series.
double LowerSeries(double a, double x, double log_front) {
  double term = 1 / a;
  double sum = term;
  for (int n = 1; n < kMostSteps; ++n) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * std::numeric_limits<double>::epsilon() / 4) {
      break;
    }
  }
  return std::exp(log_front) * sum;
}

/// Q(a, x) by Lentz's evaluation of its continued fraction.
double UpperFraction(double a, double x, double log_front) {
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double h = d;
  for (int i = 1; i < kMostSteps; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = an * d + b;
    d = 1 / (std::abs(d) < kTiny ? kTiny : d);
    c = b + an / c;
    c = std::abs(c) < kTiny ? kTiny : c;
    const double step = c * d;
    h *= step;
    if (std::abs(step - 1) < std::numeric_limits<double>::epsilon()) {
      break;
    }
  }
  return std::exp(log_front) * h;
}

/// lgamma of the C library writes a global; this one does not.
double LogGamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

/// P(D_n^+ >= d), every term positive.
double OneSidedTail(double d, double n) {
  const auto last = static_cast<long>(std::floor(n * (1 - d)));
  double sum = 0;
  for (long j = 0; j <= last; ++j) {
    const double share = static_cast<double>(j) / n;
    const double left = 1 - d - share;
    if (left <= 0) {
      continue;
    }
    const auto count = static_cast<double>(j);
    const double log_term = LogGamma(n + 1) - LogGamma(count + 1) - LogGamma(n - count + 1) +
                            (count - 1) * std::log(d + share) + (n - count) * std::log(left);
    sum += std::exp(log_term);
  }
  return d * sum;
}

double LimitTail(double x) {
  if (x < 0.2) {
    return 1;  // below 1e-13 of it
  }
  double sum = 0;
  double sign = 1;
  for (int k = 1; k < 200; ++k) {
    const double term = std::exp(-2 * k * k * x * x);
    sum += sign * term;
    sign = -sign;
    if (term < 1e-17) {
      break;
    }
  }
  return std::clamp(2 * sum, 0.0, 1.0);
}

}  // namespace

double GammaQ(double a, double x) {
  if (x <= 0) {
    return 1;
  }
  const double log_front = -x + a * std::log(x) - LogGamma(a);
  const double q = x < a + 1 ? 1 - LowerSeries(a, x, log_front) : UpperFraction(a, x, log_front);
  return std::clamp(q, 0.0, 1.0);
}

double ChiSquareTail(double x, double degrees) {
  return x <= 0 || degrees <= 0 ? 1 : GammaQ(degrees / 2, x / 2);
}

double KolmogorovTail(double d, double n) {
  if (d <= 0 || n < 1) {
    return 1;
  }
  if (d >= 1) {
    return 0;
  }
  constexpr double kTailFrom = 2.2;  // n d^2 above which Miller's doubling is exact to 1e-12
  constexpr double kMostTerms = 100'000;
  if (n * d * d > kTailFrom && n <= kMostTerms) {
    return std::clamp(2 * OneSidedTail(d, n), 0.0, 1.0);
  }
  const double root = std::sqrt(n);
  const double x = d * root;
  return LimitTail(x + 1 / (6 * root) + (x - 1) / (4 * n));
}

double NormalBelow(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

double NormalQuantile(double p) {
  constexpr double kEnd = 1e-15;
  constexpr int kHalvings = 64;
  const double target = std::clamp(p, kEnd, 1 - kEnd);
  double low = -9;
  double high = 9;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (NormalBelow(middle) < target ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace vitrine::monitor
