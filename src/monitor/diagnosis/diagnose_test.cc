#include "monitor/diagnosis/diagnose.h"

#include <algorithm>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "monitor/diagnosis/steady_shop_testing.h"

namespace vitrine::monitor {
namespace {

using E = Evidence;
using V = VersionEvidence;

bool Has(const std::vector<Look>& looks, Look look) {
  return std::find(looks.begin(), looks.end(), look) != looks.end();
}

TEST(Diagnose, WhatIsAbsentIsNoCauseAndNotHealthy) {
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const Diagnosis diagnosis = Examine(static_cast<Question>(i), Evidence{});
    EXPECT_TRUE(diagnosis.causes.empty());
    EXPECT_TRUE(diagnosis.healthy.empty());
    EXPECT_FALSE(diagnosis.not_looked_at.empty());
  }
}

TEST(Diagnose, ACauseSaysWhatElseWasSeenAndWhatWasNot) {
  Evidence e = SteadyShop();
  Slow(e, &V::features_seconds, 0.002);
  e.after.cores.reset();
  const auto causes = Diagnose(Question::kSlowerAfterDeploy, e);
  ASSERT_EQ(causes.size(), 1U);
  EXPECT_TRUE(Has(causes[0].healthy, Look::kGraph));
  EXPECT_TRUE(Has(causes[0].not_looked_at, Look::kCores));
  EXPECT_FALSE(Has(causes[0].healthy, Look::kFeatures));
}

// One field after the other is taken from a healthy shop: never is that a cause.
TEST(Diagnose, NoSingleAbsenceIsACause) {
  const std::vector<std::function<void(Evidence&)>> takes = {
      [](E& e) { e.before.latency.reset(); },
      [](E& e) { e.after.latency.reset(); },
      [](E& e) { e.before.graph_seconds.reset(); },
      [](E& e) { e.after.graph_seconds.reset(); },
      [](E& e) { e.after.quality.reset(); },
      [](E& e) { e.before.quality.reset(); },
      [](E& e) { e.before.fallbacks.reset(); },
      [](E& e) { e.before.answers.reset(); },
      [](E& e) { e.before.skew.reset(); },
      [](E& e) { e.before.missing_features.reset(); },
      [](E& e) { e.data_before = {}; },
      [](E& e) { e.data = {}; },
      [](E& e) { e.start = {}; },
      [](E& e) { e.reach = {}; },
      [](E& e) { e.before = {}; },
      [](E& e) { e.after = {}; }};
  for (std::size_t i = 0; i < takes.size(); ++i) {
    Evidence e = SteadyShop();
    takes[i](e);
    EXPECT_TRUE(Diagnose(Question::kAll, e).empty()) << i;
  }
}

TEST(Diagnose, AChangeThatIsSureButSmallOrLargeButUnsureIsNone) {
  Evidence small = SteadyShop();
  Lose(small, 0.04);
  Change(small.after.quality, [](auto& q) { q[0].click_rate = {0.192, 0.1919, 0.1921}; });
  Change(small.before.quality, [](auto& q) { q[0].click_rate = {0.2, 0.1999, 0.2001}; });
  EXPECT_TRUE(Diagnose(Question::kWorseAfterDeploy, small).empty());
  Evidence unsure = SteadyShop();
  Change(unsure.after.quality, [](auto& q) { q[0].click_rate = {0.12, 0.05, 0.25}; });
  EXPECT_TRUE(Diagnose(Question::kWorseAfterDeploy, unsure).empty());
  Evidence few = SteadyShop();
  Lose(few, 0.5);
  Change(few.after.quality, [](auto& scenes) {
    for (SceneQuality& quality : scenes) {
      quality.answers = 50;
    }
  });
  const Diagnosis diagnosis = Examine(Question::kWorseAfterDeploy, few);
  EXPECT_TRUE(diagnosis.causes.empty());
  EXPECT_TRUE(Has(diagnosis.not_looked_at, Look::kQuality));
}

TEST(Diagnose, RanksByConfidenceWhateverTheOrderOfTheEvidence) {
  Evidence e = SteadyShop();
  Lose(e, 0.3);
  e.after.skew = {{{"a", 20'000, 8000, ""}, {"b", 20'000, 9000, ""}}};
  e.after.fallbacks = {{{"unknown_user", 2000}, {"model_failed", 3000}}};
  e.data.orphans = ShareSample{9000, 20'000};
  const auto causes = Diagnose(Question::kAll, e);
  ASSERT_GE(causes.size(), 3U);
  for (std::size_t i = 1; i < causes.size(); ++i) {
    EXPECT_GE(causes[i - 1].confidence, causes[i].confidence);
  }
  for (auto* side : {&e.before, &e.after}) {
    Change(side->quality, [](auto& rows) { std::reverse(rows.begin(), rows.end()); });
    Change(side->skew, [](auto& rows) { std::reverse(rows.begin(), rows.end()); });
  }
  const auto again = Diagnose(Question::kAll, e);
  ASSERT_EQ(again.size(), causes.size());
  for (std::size_t i = 0; i < causes.size(); ++i) {
    EXPECT_EQ(again[i].code, causes[i].code);
    EXPECT_EQ(again[i].confidence, causes[i].confidence);
  }
}

TEST(Diagnose, NotSlowerMeansNoCauseThoughAStageGrew) {
  Evidence e = SteadyShop();
  e.after.graph_seconds = MeanSample{0.0014, 0.00001, 20'000};
  EXPECT_TRUE(Diagnose(Question::kSlowerAfterDeploy, e).empty());
}

TEST(Diagnose, WithoutTheTimeOfAnswersAStageIsLessSure) {
  Evidence e = SteadyShop();
  Slow(e, &V::graph_seconds, 0.002);
  const auto sure = Diagnose(Question::kSlowerAfterDeploy, e);
  e.before.latency.reset();
  const auto less = Diagnose(Question::kSlowerAfterDeploy, e);
  ASSERT_FALSE(sure.empty());
  ASSERT_FALSE(less.empty());
  EXPECT_EQ(less[0].code, CauseCode::kGraphSlower);
  EXPECT_LT(less[0].confidence, sure[0].confidence);
}

// Buckets move surely where the machine was busy for a moment; the means of its batches do not.
TEST(Diagnose, AMomentThatWasSlowIsNoSlowerVersion) {
  Evidence e = SteadyShop();
  Slow(e, &VersionEvidence::graph_seconds, 0.002);
  Change(e.before.latency,
         [](LatencySample& l) { l.seconds = MeanSample{0.002, 1e-4, 20'000, 32}; });
  Change(e.after.latency,
         [](LatencySample& l) { l.seconds = MeanSample{0.004, 2e-3, 20'000, 32}; });
  EXPECT_TRUE(Diagnose(Question::kSlowerAfterDeploy, e).empty());
  Change(e.after.latency,
         [](LatencySample& l) { l.seconds = MeanSample{0.004, 1e-4, 20'000, 32}; });
  EXPECT_FALSE(Diagnose(Question::kSlowerAfterDeploy, e).empty());
  // Of few batches nothing is said.
  Change(e.after.latency, [](LatencySample& l) { l.seconds = MeanSample{0.004, 1e-4, 20'000, 8}; });
  Change(e.after.graph_seconds, [](MeanSample& m) { m.batches = 8; });
  EXPECT_TRUE(Diagnose(Question::kSlowerAfterDeploy, e).empty());
}

TEST(Diagnose, WhatNobodyNoticesIsNotSlower) {
  Evidence e = SteadyShop();
  for (VersionEvidence* v : {&e.before, &e.after}) {
    const double times = v == &e.before ? 1 : 1.5;
    v->graph_seconds = MeanSample{0.0002 * times, 1e-6, 20'000};
    v->latency = LatencySample{0.0003 * times,
                               0.0003 * times,
                               0.0004 * times,
                               0.0005 * times,
                               {10'000, v == &e.before ? 10'000U : 20'000U}};
  }
  EXPECT_TRUE(Diagnose(Question::kSlowerAfterDeploy, e).empty());
}

}  // namespace
}  // namespace vitrine::monitor
