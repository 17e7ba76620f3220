#include "rollout/sample_ratio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "rollout/draws_testing.h"
#include "rollout/log_gamma.h"

namespace vitrine::rollout {
namespace {

TEST(SampleRatioTest, StepByStepIsTheMixtureOfTheCounts) {
  SampleRatioTest test{.share = 0.2, .concentration = 50};
  TestDraws draws(1);
  for (int i = 0; i < 500; ++i) {
    test.Add(draws.Chance(0.3) ? Arm::kTreatment : Arm::kControl);
  }
  const double c = static_cast<double>(test.control);
  const double t = static_cast<double>(test.treatment);
  const double whole = LogGamma(40 + c) - LogGamma(40) + LogGamma(10 + t) - LogGamma(10) -
                       LogGamma(50 + c + t) + LogGamma(50) - c * std::log(0.8) - t * std::log(0.2);
  EXPECT_NEAR(test.log_evidence, whole, 1e-8);
  EXPECT_GE(test.largest, test.log_evidence);
  EXPECT_DOUBLE_EQ(test.PValue(), std::exp(-test.largest));
}

/// Runs in which a mismatch is seen at any look.
int Seen(double share, double truth, int shoppers, int runs) {
  int seen = 0;
  for (int run = 0; run < runs; ++run) {
    TestDraws draws(static_cast<std::uint64_t>(run) * 7 + 1);
    SampleRatioTest test{.share = share};
    for (int i = 0; i < shoppers; ++i) {
      test.Add(draws.Chance(truth) ? Arm::kTreatment : Arm::kControl);
    }
    seen += test.Mismatch(0.05) ? 1 : 0;
  }
  return seen;
}

TEST(SampleRatioTest, RightSplitsAreAccusedInAtMostAlphaOfRuns) {
  EXPECT_LE(Seen(0.5, 0.5, 20'000, 400), 20 + 14);
  EXPECT_LE(Seen(0.05, 0.05, 20'000, 400), 20 + 14);
}

TEST(SampleRatioTest, WrongSplitsAreSeen) {
  EXPECT_GT(Seen(0.5, 0.48, 20'000, 100), 95);
  EXPECT_GT(Seen(0.05, 0.04, 20'000, 100), 95);
  EXPECT_LT(Seen(0.5, 0.48, 200, 100), 20);  // 200 shoppers cannot know
}

TEST(SampleRatioTest, ARampGoesOnWithTheNextShare) {
  TestDraws draws(3);
  SampleRatioTest test{.share = 0.01};
  for (const double share : {0.01, 0.05, 0.25, 0.5}) {
    test.ChangeShare(share);
    for (int i = 0; i < 20'000; ++i) {
      test.Add(draws.Chance(share) ? Arm::kTreatment : Arm::kControl);
    }
  }
  EXPECT_FALSE(test.Mismatch(0.01));
  EXPECT_EQ(test.control + test.treatment, 20'000U);
  // A mismatch that was seen stays seen.
  SampleRatioTest wrong{.share = 0.01};
  for (int i = 0; i < 3000; ++i) {
    wrong.Add(i % 10 == 0 ? Arm::kTreatment : Arm::kControl);
  }
  EXPECT_TRUE(wrong.Mismatch(0.001));
  wrong.ChangeShare(0.1);
  for (int i = 0; i < 30'000; ++i) {
    wrong.Add(i % 10 == 0 ? Arm::kTreatment : Arm::kControl);
  }
  EXPECT_TRUE(wrong.Mismatch(0.001));
}

}  // namespace
}  // namespace vitrine::rollout
