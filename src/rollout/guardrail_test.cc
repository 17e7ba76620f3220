#include "rollout/guardrail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdint>

#include "rollout/draws_testing.h"

namespace vitrine::rollout {
namespace {

using testing::HasSubstr;

/// Shoppers with one normal value each.
JointMoments Arm(TestDraws& draws, int n, double mean, double spread = 1) {
  JointMoments sums;
  for (int i = 0; i < n; ++i) {
    sums.Add({mean + spread * draws.Normal()});
  }
  return sums;
}

Verdict MeanVerdict(const Guardrail& guardrail, double control, double treatment, int n = 4000) {
  TestDraws draws(11);
  const ArmMoments arms{Arm(draws, n, control), Arm(draws, n, treatment)};
  return JudgeMean(guardrail, {&arms, 1}, {}).verdict;
}

TEST(JudgeMean, EachVerdictOfAMetricThatShouldBeHigh) {
  const Guardrail guardrail{"revenue", Better::kHigher, 0.05, true};  // 0.5 of 10
  EXPECT_EQ(MeanVerdict(guardrail, 10, 9.2), Verdict::kHarmful);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 9.5), Verdict::kUndecided);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 9.8), Verdict::kSafe);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 10), Verdict::kSafe);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 10.3), Verdict::kBetter);
}

TEST(JudgeMean, EachVerdictOfAMetricThatShouldBeLow) {
  const Guardrail guardrail{"seconds", Better::kLower, 0.5, false};
  EXPECT_EQ(MeanVerdict(guardrail, 10, 10.8), Verdict::kHarmful);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 10.5), Verdict::kUndecided);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 10.2), Verdict::kSafe);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 9.7), Verdict::kBetter);
}

TEST(JudgeMean, WithoutToleranceALossIsHarmfulAndOnlyAGainIsGood) {
  const Guardrail guardrail{"revenue", Better::kHigher, 0, true};
  EXPECT_EQ(MeanVerdict(guardrail, 10, 9.8), Verdict::kHarmful);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 10), Verdict::kUndecided);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 10.2), Verdict::kBetter);
}

TEST(JudgeMean, SaysNothingOfFewShoppersOrFewHits) {
  const Guardrail guardrail{"revenue", Better::kHigher, 0, true};
  EXPECT_EQ(MeanVerdict(guardrail, 10, 1, 99), Verdict::kUndecided);
  EXPECT_EQ(MeanVerdict(guardrail, 10, 1, 101), Verdict::kHarmful);
  // 10,000 shoppers, of whom each hundredth buys: 100 purchases. A canary of 500 should have 5.
  ArmMoments arms;
  for (int i = 0; i < 10'000; ++i) {
    arms.control.Add({i % 100 == 0 ? 1.0 : 0.0});
  }
  for (int i = 0; i < 500; ++i) {
    arms.treatment.Add({0});
  }
  GuardrailEvidence evidence = JudgeMean(guardrail, {&arms, 1}, {});
  EXPECT_FALSE(evidence.margin.judged);
  EXPECT_THAT(Sentence(evidence), HasSubstr("too little to say anything"));
  for (int i = 0; i < 3000; ++i) {
    arms.treatment.Add({0});  // none of 3,500 buys: that is no chance any more
  }
  evidence = JudgeMean(guardrail, {&arms, 1}, {});
  EXPECT_EQ(evidence.verdict, Verdict::kHarmful);
}

// A loss that is just tolerated is called harmful (or safe) in at most alpha of the runs, at any
// look.
TEST(JudgeMean, IsWrongAboutAToleratedLossInAtMostAlphaOfRuns) {
  const Guardrail guardrail{"revenue", Better::kHigher, 0.1, true};
  GuardrailOptions options;
  options.sequence.expected_n = 500;
  int wrong = 0;
  constexpr int kRuns = 300;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    TestDraws draws(300 + run);
    ArmMoments arms;
    bool ever = false;
    for (int i = 0; i < 3000; ++i) {
      // Money: one in five buys, for a skewed amount.
      const bool treated = draws.Chance(0.5);
      const double money = draws.Chance(0.2) ? 20 * std::exp(0.8 * draws.Normal()) : 0;
      (treated ? arms.treatment : arms.control).Add({treated ? 0.9 * money : money});
      const Verdict verdict = JudgeMean(guardrail, {&arms, 1}, options).verdict;
      ever = ever || verdict != Verdict::kUndecided;
    }
    wrong += ever ? 1 : 0;
  }
  EXPECT_LE(wrong, 15 + 12);  // 5 %, and three standard deviations
}

TEST(JudgeMean, ACovariateBringsAVerdictEarlier) {
  const Guardrail guardrail{"revenue", Better::kHigher, 0.01, true};
  TestDraws draws(5);
  ArmMoments arms;
  ArmMoments without;
  for (int i = 0; i < 4000; ++i) {
    const double taste = 10 + 3 * draws.Normal();
    const bool treated = i % 2 == 1;
    const double value = taste + draws.Normal() - (treated ? 0.4 : 0);
    (treated ? arms.treatment : arms.control).Add({value, 1, taste});
    (treated ? without.treatment : without.control).Add({value, 1});
  }
  EXPECT_EQ(JudgeMean(guardrail, {&without, 1}, {}).verdict, Verdict::kUndecided);
  const GuardrailEvidence evidence = JudgeMean(guardrail, {&arms, 1}, {});
  EXPECT_EQ(evidence.verdict, Verdict::kHarmful);
  EXPECT_NEAR(evidence.variance_left, 0.1, 0.02);
}

TEST(JudgeMean, StepsOfARampAddUp) {
  const Guardrail guardrail{"revenue", Better::kHigher, 0, true};
  TestDraws draws(6);
  std::array<ArmMoments, 3> steps;
  constexpr std::array<int, 3> kTreated = {100, 500, 1000};
  for (std::size_t step = 0; step < 3; ++step) {
    const double day = 10 + static_cast<double>(step);
    steps[step] = {Arm(draws, 2000 - kTreated[step], day), Arm(draws, kTreated[step], day - 0.3)};
  }
  EXPECT_EQ(JudgeMean(guardrail, {steps.data(), 1}, {}).verdict, Verdict::kUndecided);
  const GuardrailEvidence last = JudgeMean(guardrail, {&steps[2], 1}, {});
  const GuardrailEvidence evidence = JudgeMean(guardrail, steps, {});
  EXPECT_EQ(evidence.verdict, Verdict::kHarmful);
  EXPECT_EQ(evidence.treatment_n, 1600);
  EXPECT_TRUE(evidence.difference.Holds(-0.3));
  EXPECT_LT(evidence.difference.high - evidence.difference.low,
            last.difference.high - last.difference.low);
}

Verdict ShareVerdict(const Guardrail& guardrail, HitCounts control, HitCounts treatment) {
  const ArmCounts arms{control, treatment};
  return JudgeShare(guardrail, {&arms, 1}, {}).verdict;
}

TEST(JudgeShare, EachVerdict) {
  const Guardrail errors{"errors", Better::kLower, 0.005, false};
  EXPECT_EQ(ShareVerdict(errors, {10'000, 10}, {1000, 40}), Verdict::kHarmful);
  EXPECT_EQ(ShareVerdict(errors, {10'000, 10}, {1000, 4}), Verdict::kUndecided);
  EXPECT_EQ(ShareVerdict(errors, {100'000, 100}, {10'000, 12}), Verdict::kSafe);
  EXPECT_EQ(ShareVerdict(errors, {10'000, 400}, {10'000, 200}), Verdict::kBetter);
  EXPECT_EQ(ShareVerdict(errors, {0, 0}, {0, 0}), Verdict::kUndecided);
  const Guardrail bought{"visitors who bought", Better::kHigher, 0.05, true};
  EXPECT_EQ(ShareVerdict(bought, {50'000, 2500}, {50'000, 2000}), Verdict::kHarmful);
  EXPECT_EQ(ShareVerdict(bought, {500'000, 25'000}, {500'000, 25'000}), Verdict::kSafe);
  EXPECT_EQ(ShareVerdict(bought, {50'000, 2500}, {50'000, 3000}), Verdict::kBetter);
}

TEST(JudgeShare, VerdictsAreThoseOfTheEvidence) {
  const Guardrail errors{"errors", Better::kLower, 0.01, false};
  for (std::uint64_t hits = 20; hits < 60; ++hits) {
    const ArmCounts arms{{5000, 50}, {1000, hits}};
    const bool harmful = JudgeShare(errors, {&arms, 1}, {}).verdict == Verdict::kHarmful;
    EXPECT_EQ(harmful, LogEvidenceAbove({&arms, 1}, {1, 0.01}) > std::log(20)) << hits;
  }
}

TEST(GuardrailEvidence, SaysWhatItRestsOn) {
  const Guardrail errors{"errors", Better::kLower, 0.005, false};
  const ArmCounts arms{{10'000, 10}, {1000, 40}};
  GuardrailOptions options;
  options.sequence.alpha = SharedAlpha(0.05, 5);
  const GuardrailEvidence evidence = JudgeShare(errors, {&arms, 1}, options);
  const std::string sentence = Sentence(evidence);
  EXPECT_THAT(sentence, HasSubstr("Harmful: errors is 0.04 against 0.001 of the control (1000 and "
                                  "10000 observations)"));
  EXPECT_THAT(sentence, HasSubstr("surely above the tolerated 0.005"));
  EXPECT_THAT(sentence, HasSubstr("at most 1 % over all looks"));
  const auto json = nlohmann::json::parse(ToJson(evidence));
  EXPECT_EQ(json["verdict"], "harmful");
  EXPECT_EQ(json["control_n"], 10'000);
  EXPECT_EQ(json["alpha"], 0.01);
  EXPECT_EQ(json["exact"], true);
  EXPECT_GT(json["difference"][0], 0.005);
  EXPECT_LT(json["margin"][1], 0);
  EXPECT_EQ(json["sentence"], sentence);
  // What is not known yet is null, not a number that JSON lacks.
  const auto nothing = nlohmann::json::parse(ToJson(JudgeMean(errors, {}, options)));
  EXPECT_TRUE(nothing["difference"][0].is_null());
  EXPECT_EQ(nothing["verdict"], "undecided");
}

TEST(SharedAlpha, IsBonferroni) {
  EXPECT_DOUBLE_EQ(SharedAlpha(0.05, 5), 0.01);
  EXPECT_DOUBLE_EQ(SharedAlpha(0.05, 0), 0.05);
}

}  // namespace
}  // namespace vitrine::rollout
