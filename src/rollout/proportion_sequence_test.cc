#include "rollout/proportion_sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "rollout/draws_testing.h"

namespace vitrine::rollout {
namespace {

/// One observation after the other: the mixture's prediction over p's.
double SlowLogEvidence(const HitCounts& counts, double p) {
  double log = 0;
  for (std::uint64_t i = 0; i < counts.n; ++i) {
    const bool hit = i < counts.hits;
    const double seen = static_cast<double>(hit ? i : i - counts.hits);
    log += std::log((seen + 0.5) / (static_cast<double>(i) + 1)) - std::log(hit ? p : 1 - p);
  }
  return log;
}

TEST(LogEvidence, IsTheProductOfPredictions) {
  for (const HitCounts counts : {HitCounts{0, 0}, {1, 0}, {1, 1}, {50, 3}, {700, 699}}) {
    for (const double p : {0.001, 0.05, 0.5, 0.99}) {
      EXPECT_NEAR(LogEvidence(counts, p), SlowLogEvidence(counts, p), 1e-8) << counts.n << " " << p;
    }
  }
  EXPECT_EQ(LogEvidence({10, 1}, 0), std::numeric_limits<double>::infinity());
  EXPECT_LT(LogEvidence({10, 0}, 0), 0);
}

TEST(LogEvidenceAbove, IsTheSmallestOverAllPairsOfTheSet) {
  std::vector<double> shares;
  for (int i = 0; i <= 400; ++i) {
    shares.push_back(std::clamp(i / 400.0, 1e-9, 1 - 1e-9));
  }
  for (const ArmCounts& arms : {ArmCounts{{200, 10}, {30, 9}}, ArmCounts{{20, 0}, {3, 3}},
                                ArmCounts{{90, 40}, {60, 10}}, ArmCounts{{0, 0}, {12, 5}}}) {
    std::vector<double> control;
    std::vector<double> treatment;
    for (const double share : shares) {
      control.push_back(std::exp(SlowLogEvidence(arms.control, share)));
      treatment.push_back(std::exp(SlowLogEvidence(arms.treatment, share)));
    }
    for (const ShareBound bound : {ShareBound{1, 0}, ShareBound{1, 0.05}, ShareBound{1.5, 0}}) {
      double above = std::numeric_limits<double>::infinity();
      double below = above;
      for (std::size_t i = 0; i < shares.size(); ++i) {
        for (std::size_t j = 0; j < shares.size(); ++j) {
          const double c = control[i];
          const double t = treatment[j];
          const double evidence = std::log(c * t / 2 + c / 4 + t / 4);
          const double line = bound.factor * shares[i] + bound.offset;
          if (shares[j] <= line + 1e-9) above = std::min(above, evidence);
          if (shares[j] >= line - 1e-9) below = std::min(below, evidence);
        }
      }
      // The grid misses the best pair by a little, never the other way round.
      const double exact_above = LogEvidenceAbove({&arms, 1}, bound);
      const double exact_below = LogEvidenceBelow({&arms, 1}, bound);
      EXPECT_LE(exact_above, above + 1e-7);
      EXPECT_NEAR(exact_above, above, 0.05) << arms.treatment.n << " " << bound.factor;
      EXPECT_LE(exact_below, below + 1e-7);
      EXPECT_NEAR(exact_below, below, 0.05) << arms.treatment.n << " " << bound.factor;
    }
  }
}

/// Runs in which "treatment <= control + offset" was disproved at any look.
int EverDisproved(double p0, double p1, double share, double offset, int runs, int looks,
                  std::uint64_t seed) {
  int count = 0;
  for (int run = 0; run < runs; ++run) {
    TestDraws draws(seed + static_cast<std::uint64_t>(run));
    ArmCounts arms;
    bool ever = false;
    for (int i = 0; i < looks && !ever; ++i) {
      const bool treated = draws.Chance(share);
      (treated ? arms.treatment : arms.control).Add(draws.Chance(treated ? p1 : p0));
      ever = LogEvidenceAbove({&arms, 1}, {1, offset}) >= std::log(1 / 0.05);
    }
    count += ever ? 1 : 0;
  }
  return count;
}

TEST(LogEvidenceAbove, IsWrongInAtMostAlphaOfRunsOverAllLooks) {
  constexpr int kRuns = 300;
  constexpr int kAtMost = 15 + 12;  // 5 %, and three standard deviations
  EXPECT_LE(EverDisproved(0.3, 0.3, 0.5, 0, kRuns, 800, 1), kAtMost);
  EXPECT_LE(EverDisproved(0.01, 0.01, 0.1, 0, kRuns, 800, 2), kAtMost);
  EXPECT_LE(EverDisproved(0.05, 0.15, 0.3, 0.1, kRuns, 800, 3), kAtMost);  // just what is tolerated
  // And it finds what is there.
  EXPECT_GT(EverDisproved(0.05, 0.25, 0.3, 0.02, 100, 800, 4), 90);
}

TEST(LogEvidenceAbove, StretchesWithTheirOwnSharesAddUp) {
  const std::array<ArmCounts, 2> stretches = {ArmCounts{{900, 9}, {100, 6}},
                                              ArmCounts{{500, 100}, {500, 150}}};
  const ShareBound same{1, 0};
  EXPECT_DOUBLE_EQ(LogEvidenceAbove(stretches, same),
                   LogEvidenceAbove({stretches.data(), 1}, same) +
                       LogEvidenceAbove({stretches.data() + 1, 1}, same));
  // A busy day with many hits in both arms and a larger treatment is no effect.
  const std::array<ArmCounts, 2> busy = {ArmCounts{{9500, 95}, {500, 5}},
                                         ArmCounts{{5000, 500}, {5000, 500}}};
  const std::array<ArmCounts, 1> summed = {ArmCounts{{14'500, 595}, {5500, 505}}};
  EXPECT_LT(LogEvidenceAbove(busy, same), 0);
  EXPECT_GT(LogEvidenceAbove(summed, same), 10);
}

TEST(ShareDifference, IsWhatTheEvidenceDoesNotDisprove) {
  const ArmCounts arms{{2000, 100}, {1000, 90}};
  const Interval interval = ShareDifference({&arms, 1}, 0.05);
  EXPECT_LT(interval.low, 0.04);
  EXPECT_GT(interval.high, 0.04);
  EXPECT_NEAR(LogEvidenceAbove({&arms, 1}, {1, interval.low}), std::log(20), 1e-6);
  EXPECT_NEAR(LogEvidenceBelow({&arms, 1}, {1, interval.high}), std::log(20), 1e-6);
  const ArmCounts nothing;
  EXPECT_EQ(ShareDifference({&nothing, 1}, 0.05).low, -1);
  EXPECT_EQ(ShareDifference({&nothing, 1}, 0.05).high, 1);
  const Interval certain = ShareDifference({&arms, 1}, 1e-6);
  EXPECT_LT(certain.low, interval.low);
  EXPECT_GT(certain.high, interval.high);
}

TEST(ShareInterval, HoldsTheShareOverAllLooks) {
  int wrong = 0;
  for (std::uint64_t run = 0; run < 300; ++run) {
    TestDraws draws(900 + run);
    HitCounts counts;
    bool ever = false;
    for (int i = 0; i < 300; ++i) {
      counts.Add(draws.Chance(0.04));
      ever = ever || !ShareInterval(counts, 0.05).Holds(0.04);
    }
    wrong += ever ? 1 : 0;
  }
  EXPECT_LE(wrong, 15 + 12);
  EXPECT_LT(ShareInterval({10'000, 400}, 0.05).high, 0.05);
  EXPECT_GT(ShareInterval({10'000, 400}, 0.05).low, 0.03);
}

// A version that fails always, beside a control that never does.
TEST(LogEvidenceAbove, ACrashIsSeenAfterAFewAnswers) {
  ArmCounts arms;
  int failures = 0;
  while (LogEvidenceAbove({&arms, 1}, {1, 0.01}) < std::log(1 / 0.01) && failures < 50) {
    for (int i = 0; i < 19; ++i) {
      arms.control.Add(false);
    }
    arms.treatment.Add(true);
    ++failures;
  }
  EXPECT_LE(failures, 5);
  EXPECT_GE(failures, 2);
}

// The larger the control, the better: not knowing its share costs a bounded amount.
TEST(LogEvidenceAbove, ALargeControlCostsNothing) {
  double before = 0;
  for (const std::uint64_t n : {1'000U, 10'000U, 100'000U, 1'000'000U}) {
    const ArmCounts arms{{n, n / 20}, {400, 44}};
    const double evidence = LogEvidenceAbove({&arms, 1}, {1, 0});
    EXPECT_GT(evidence, before) << n;
    before = evidence;
  }
}

}  // namespace
}  // namespace vitrine::rollout
