#include "monitor/statistics/student.h"

#include <cmath>

#include <gtest/gtest.h>

namespace vitrine::monitor {
namespace {

// Two-sided tail by adding up the density over small steps.
double Slow(double t, double degrees) {
  const double scale = std::exp(std::lgamma((degrees + 1) / 2) - std::lgamma(degrees / 2)) /
                       std::sqrt(degrees * M_PI);
  const auto density = [&](double x) {
    return scale * std::pow(1 + x * x / degrees, -(degrees + 1) / 2);
  };
  constexpr int kSteps = 200'000;
  const double step = t / kSteps;
  double inside = 0;
  for (int i = 0; i < kSteps; ++i) {
    inside += step * density((i + 0.5) * step);
  }
  return 1 - 2 * inside;
}

TEST(Student, TailIsTheDensityAddedUp) {
  for (const double degrees : {1.0, 2.5, 7.0, 15.0, 40.3, 126.0}) {
    for (const double t : {0.01, 0.5, 1.0, 2.0, 3.9, 8.0}) {
      EXPECT_NEAR(StudentTail(t, degrees), Slow(t, degrees), 1e-9) << t << ", " << degrees;
      EXPECT_EQ(StudentTail(-t, degrees), StudentTail(t, degrees));
    }
  }
  EXPECT_EQ(StudentTail(0, 5), 1);
  EXPECT_EQ(StudentTail(3, 0), 1);
}

TEST(Student, WithManyDegreesItIsTheNormalOne) {
  for (const double t : {0.3, 1.96, 3.9}) {
    EXPECT_NEAR(StudentTail(t, 1e7), std::erfc(t / std::sqrt(2.0)), 1e-6);
  }
}

// With few degrees a deviation that a normal mean has once in 10,000 is nothing rare.
TEST(Student, TailsAreHeavy) { EXPECT_GT(StudentTail(3.9, 7), 0.005); }

}  // namespace
}  // namespace vitrine::monitor
