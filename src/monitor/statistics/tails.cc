#include "monitor/statistics/tails.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

constexpr int kMostSteps = 100'000;
constexpr int kHalvings = 100;
constexpr double kTiny = 1e-300;

/// lgamma of the C library writes a global; this one does not.
double LogGamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double Held(double x) { return std::abs(x) < kTiny ? kTiny : x; }

double BetaFraction(double x, double a, double b) {
  double c = 1;
  double d = 1 / Held(1 - (a + b) * x / (a + 1));
  double h = d;
  for (int m = 1; m < kMostSteps; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / Held(1 + even * d);
    c = Held(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / Held(1 + odd * d);
    c = Held(1 + odd / c);
    const double step = d * c;
    h *= step;
    if (std::abs(step - 1) < std::numeric_limits<double>::epsilon()) {
      break;
    }
  }
  return h;
}

/// x in [low, high] where a falling function crosses `wanted`.
template <typename Falling>
double Crossing(double low, double high, double wanted, const Falling& falling) {
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (falling(middle) > wanted ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double BetaBelow(double x, double a, double b) {
  if (x <= 0) {
    return 0;
  }
  if (x >= 1) {
    return 1;
  }
  const double front =
      std::exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) {
    return std::min(1.0, front * BetaFraction(x, a, b) / a);
  }
  return std::max(0.0, 1 - front * BetaFraction(1 - x, b, a) / b);
}

double BinomialAtMost(double k, double n, double p) {
  if (k >= n) {
    return 1;
  }
  return k < 0 ? 0 : BetaBelow(1 - p, n - k, k + 1);
}

double BinomialAtLeast(double k, double n, double p) {
  if (k <= 0) {
    return 1;
  }
  return k > n ? 0 : BetaBelow(p, k, n - k + 1);
}

double PoissonAtMost(double k, double mean) {
  if (mean <= 0) {
    return 1;
  }
  return GammaQ(k + 1, mean);
}

double PoissonAtLeast(double k, double mean) {
  if (k <= 0) {
    return 1;
  }
  return mean <= 0 ? 0 : std::max(0.0, 1 - GammaQ(k, mean));
}

double StudentAbove(double chance, double degrees) {
  const auto above = [degrees](double t) {
    return BetaBelow(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  };
  double high = 1;
  while (above(high) > chance && high < 1e12) {
    high *= 2;
  }
  return Crossing(0, high, chance, above);
}

double GammaAbove(double chance, double shape) {
  const auto above = [shape](double x) { return x <= 0 ? 1 : GammaQ(shape, x); };
  double high = shape;
  while (above(high) > chance && high < 1e12) {
    high *= 2;
  }
  return Crossing(0, high, chance, above);
}

double ShareAtMost(double hits, double n, double chance) {
  if (n <= 0 || hits >= n) {
    return 1;
  }
  return Crossing(hits / n, 1, chance, [&](double p) { return BinomialAtMost(hits, n, p); });
}

double ShareAtLeast(double hits, double n, double chance) {
  if (n <= 0 || hits <= 0) {
    return 0;
  }
  // At least `hits` of n at p is at most n - hits of n at 1 - p.
  return 1 - ShareAtMost(n - hits, n, chance);
}

}  // namespace vitrine::monitor
