#include "monitor/statistics/tails.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vitrine::monitor {
namespace {

double Choose(int n, int k) {
  double out = 1;
  for (int i = 0; i < k; ++i) out = out * (n - i) / (i + 1);
  return out;
}

TEST(Tails, BinomialIsTheSumOfItsTerms) {
  for (const int n : {1, 7, 40}) {
    for (const double p : {0.0, 0.003, 0.2, 0.5, 0.97, 1.0}) {
      for (int k = 0; k <= n; ++k) {
        double below = 0;
        for (int i = 0; i <= k; ++i)
          below += Choose(n, i) * std::pow(p, i) * std::pow(1 - p, n - i);
        EXPECT_NEAR(BinomialAtMost(k, n, p), below, 1e-12) << n << " " << p << " " << k;
        EXPECT_NEAR(BinomialAtLeast(k + 1, n, p), 1 - below, 1e-12) << n << " " << p << " " << k;
      }
    }
  }
}

TEST(Tails, PoissonIsTheSumOfItsTerms) {
  for (const double mean : {0.1, 3.0, 25.0}) {
    double term = std::exp(-mean), below = 0;
    for (int k = 0; k < 40; ++k) {
      below += term;
      term *= mean / (k + 1);
      EXPECT_NEAR(PoissonAtMost(k, mean), below, 1e-12);
      EXPECT_NEAR(PoissonAtLeast(k + 1, mean), 1 - below, 1e-12);
    }
  }
  EXPECT_EQ(PoissonAtLeast(1, 0), 0) << "nothing is expected, so a row is impossible";
}

// Student's t with 1 and 2 degrees has its tail in closed form.
TEST(Tails, StudentWithOneAndTwoDegrees) {
  for (const double chance : {0.4, 0.05, 1e-3, 1e-6}) {
    EXPECT_NEAR(StudentAbove(chance, 1) * std::tan(chance * M_PI), 1, 1e-8);
    const double q = 1 - 2 * chance;
    EXPECT_NEAR(StudentAbove(chance, 2) / (q * std::sqrt(2 / (1 - q * q))), 1, 1e-8);
  }
  EXPECT_NEAR(StudentAbove(0.025, 1e7), 1.959964, 1e-5) << "the normal's, of many degrees";
}

TEST(Tails, GammaOfShapeOneIsTheExponential) {
  for (const double chance : {0.9, 0.5, 1e-3, 1e-7}) {
    EXPECT_NEAR(GammaAbove(chance, 1) / -std::log(chance), 1, 1e-9);
  }
  EXPECT_NEAR(GammaAbove(0.5, 1e4), 1e4, 1) << "the middle of a narrow one is near its mean";
}

TEST(Tails, SharesAreBoundedWhereTheirTailIsTheChance) {
  EXPECT_NEAR(ShareAtMost(0, 1000, 1e-4), 1 - std::pow(1e-4, 1e-3), 1e-12);
  for (const double hits : {1.0, 50.0, 999.0}) {
    EXPECT_NEAR(BinomialAtMost(hits, 1000, ShareAtMost(hits, 1000, 1e-4)), 1e-4, 1e-10);
    EXPECT_NEAR(BinomialAtLeast(hits, 1000, ShareAtLeast(hits, 1000, 1e-4)), 1e-4, 1e-10);
  }
  EXPECT_EQ(ShareAtMost(5, 5, 0.01), 1);
  EXPECT_EQ(ShareAtLeast(0, 5, 0.01), 0);
  // Ten million rows, as a month has: no loss of digits.
  EXPECT_NEAR(ShareAtMost(1e5, 1e7, 1e-5), 0.010135, 2e-6);
}

}  // namespace
}  // namespace vitrine::monitor
