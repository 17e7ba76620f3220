#include "monitor/statistics/student.h"

#include <cmath>
#include <utility>

namespace vitrine::monitor {
namespace {

constexpr int kMostTerms = 1000;
constexpr double kPrecision = 1e-15;

// The fraction converges quickly for x below (a + 1) / (a + b + 2); evaluated forwards by its convergents' ratio.
double BetaFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto away = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double ratio = 1;
  double below = 1 / away(1 - (a + b) * x / (a + 1));
  double value = below;
  for (int m = 1; m <= kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    below = 1 / away(1 + even * below);
    ratio = away(1 + even / ratio);
    value *= below * ratio;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    below = 1 / away(1 + odd * below);
    ratio = away(1 + odd / ratio);
    const double step = below * ratio;
    value *= step;
    if (std::abs(step - 1) < kPrecision) {
      break;
    }
  }
  return value;
}

// I_x(a, b); `y` is 1 - x, given apart so that nothing is lost near 1.
double BetaBelow(double a, double b, double x, double y) {
  if (x <= 0) {
    return 0;
  }
  if (y <= 0) {
    return 1;
  }
  const bool turned = x > (a + 1) / (a + b + 2);
  if (turned) {
    std::swap(a, b);
    std::swap(x, y);
  }
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log(y));
  const double part = front * BetaFraction(a, b, x) / a;
  return turned ? 1 - part : part;
}

}  // namespace

double StudentTail(double t, double degrees) {
  if (degrees <= 0 || std::isnan(t)) {
    return 1;
  }
  const double square = t * t;
  return BetaBelow(degrees / 2, 0.5, degrees / (degrees + square), square / (degrees + square));
}

}  // namespace vitrine::monitor
