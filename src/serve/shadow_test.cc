#include "serve/shadow.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <limits>
#include <mutex>

#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

class Shadow : public testing::Test {
 protected:
  Shadow() {
    shop.make["new:2"] = [this] {
      return FakeParts<double>("new", shop.names, 5,
                               [this](auto history, std::span<double> scores) {
                                 {
                                   std::unique_lock lock(mutex);
                                   wake.wait(lock, [this] { return !held; });
                                 }
                                 if (broken) {
                                   scores[kFirstItem] = std::numeric_limits<double>::infinity();
                                 } else {
                                   Neighbours<double>(history, scores);
                                 }
                               });
    };
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.desired.folders["new:2"] = "unused";
    shop.models.SetDesired(shop.desired);
    EXPECT_TRUE(shop.models.WaitUntilReached(After(std::chrono::seconds(10))).ok());
    shop.log.SetUser("ann", {{"item4", EventType::kView}});
    parts = {.log = &shop.log,
             .models = &shop.models,
             .scenes = &shop.scenes,
             .items = &shop.items,
             .trending = &shop.trending,
             .observer = &shop.observer,
             .traffic = &traffic,
             .now = [this] { return shop.now; },
             .lists = {.bytes = 1U << 20}};
    recommender = std::make_unique<Recommender>(parts);
  }
  std::shared_ptr<ShadowRunner> Run(double share = 1, std::size_t places = 4) {
    auto runner =
        std::make_shared<ShadowRunner>(parts, "champion", shop.models.FindModel("new:2"), places);
    TrafficSplit split{
        .rollout = "rollout-000001", .salt = "salt", .candidate = shop.models.FindModel("new:2")};
    split.shadow = runner;
    split.shadow_share = share;
    traffic.Publish({std::move(split)});
    return runner;
  }
  void Hold(bool on) {
    {
      const std::scoped_lock lock(mutex);
      held = on;
    }
    wake.notify_all();
  }
  RecommendResponse Get() {
    auto response = recommender->Recommend({.user_id = "ann", .n = 3});
    EXPECT_TRUE(response.ok());
    return response.ok() ? *response : RecommendResponse{};
  }
  static Deadline Soon() { return After(std::chrono::seconds(20)); }

  FakeShop shop;
  std::mutex mutex;
  std::condition_variable wake;
  bool held = false;
  std::atomic<bool> broken{false};
  Traffic traffic;
  RecommenderParts parts;
  std::unique_ptr<Recommender> recommender;
};

TEST_F(Shadow, ComparesAndLeavesNoTrace) {
  const auto runner = Run();
  for (int i = 0; i < 6; ++i) {
    const RecommendResponse given = Get();
    EXPECT_EQ(given.model, "near:1");
    EXPECT_EQ(given.arm, Arm::kNone);
    EXPECT_EQ(given.rollout, "");
    ASSERT_TRUE(runner->WaitUntilIdle(Soon()));
  }
  const ShadowCounts counts = runner->Counts();
  EXPECT_EQ(counts.compared, 6U);
  EXPECT_DOUBLE_EQ(counts.overlap, 6);
  EXPECT_EQ(counts.failures, 0U);
  EXPECT_EQ(counts.candidate.answers, 6U);
  EXPECT_EQ(counts.control.answers, 6U);
  EXPECT_EQ(counts.shown, 18U);
  EXPECT_EQ(counts.popular_control, 18U) << "ten items are all popular";
  EXPECT_EQ(counts.distinct_candidate, 3U);
  EXPECT_EQ(shop.observer.impressions, 6) << "only what was given";
  EXPECT_EQ(shop.observer.served, 6);
}

TEST_F(Shadow, AFailureIsCountedAndNobodyElseHearsOfIt) {
  const auto runner = Run();
  broken = true;
  Get();
  ASSERT_TRUE(runner->WaitUntilIdle(Soon()));
  EXPECT_EQ(runner->Counts().failures, 1U);
  EXPECT_EQ(runner->Counts().compared, 0U);
  EXPECT_NE(runner->Counts().failure.find("finite"), std::string::npos) << runner->Counts().failure;
  EXPECT_EQ(shop.observer.failure, "");
}

TEST_F(Shadow, AnAnswerNeverWaitsForASlowCandidate) {
  const auto runner = Run(1, 2);
  Hold(true);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Get().model, "near:1");
  }
  ShadowCounts counts = runner->Counts();
  EXPECT_EQ(counts.offered, 20U);
  EXPECT_GE(counts.dropped, 17U);
  EXPECT_EQ(counts.compared, 0U);
  Hold(false);
  ASSERT_TRUE(runner->WaitUntilIdle(Soon()));
  counts = runner->Counts();
  EXPECT_EQ(counts.compared + counts.dropped, 20U) << "nothing is lost without being counted";
}

TEST_F(Shadow, OnlyTheShareThatWasAskedFor) {
  const auto runner = Run(1e-12);
  for (int i = 0; i < 50; ++i) {
    Get();
  }
  EXPECT_EQ(runner->Counts().offered, 0U);
}

}  // namespace
}  // namespace vitrine::serve
