#include "serve/traffic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

/// A shop whose champion is near:1, with a candidate far:2 that likes the other end of the vocabulary.
class Arms : public testing::Test {
 protected:
  Arms() {
    shop.make["far:2"] = [this] {
      return FakeParts<double>("far", shop.names, 5, [this](auto, std::span<double> scores) {
        if (broken) {
          scores[kFirstItem] = std::numeric_limits<double>::quiet_NaN();
          return;
        }
        for (std::size_t j = kFirstItem; j < scores.size(); ++j) {
          scores[j] = static_cast<double>(j);
        }
      });
    };
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.desired.folders["far:2"] = "unused";
    shop.models.SetDesired(shop.desired);
    EXPECT_TRUE(shop.models.WaitUntilReached(After(std::chrono::seconds(10))).ok());
    recommender = std::make_unique<Recommender>(RecommenderParts{.log = &shop.log,
                                                                 .models = &shop.models,
                                                                 .scenes = &shop.scenes,
                                                                 .items = &shop.items,
                                                                 .trending = &shop.trending,
                                                                 .observer = &shop.observer,
                                                                 .traffic = &traffic,
                                                                 .now = [this] { return shop.now; },
                                                                 .metrics = &shop.metrics,
                                                                 .lists = {.bytes = 1U << 20}});
    for (int i = 0; i < 200; ++i) {
      shop.log.SetUser(User(i), {{"item4", EventType::kView}});
    }
  }
  static std::string User(int i) { return "user" + std::to_string(i); }

  std::shared_ptr<SplitCounters> Split(double share, const std::string& scene = "") {
    TrafficSplit split{.rollout = "rollout-000001",
                       .scene = scene,
                       .salt = "salt",
                       .share = share,
                       .candidate = shop.models.FindModel("far:2")};
    auto counters = split.counters;
    traffic.Publish({std::move(split)});
    return counters;
  }
  std::shared_ptr<SplitCounters> Interleave(double share) {
    TrafficSplit split{.rollout = "rollout-000001",
                       .scene = "",
                       .salt = "salt",
                       .share = share,
                       .interleaved = true,
                       .candidate = shop.models.FindModel("far:2")};
    auto counters = split.counters;
    traffic.Publish({std::move(split)});
    return counters;
  }
  RecommendResponse Get(const RecommendRequest& request) {
    auto response = recommender->Recommend(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : RecommendResponse{};
  }
  RecommendResponse Get(int user) { return Get(RecommendRequest{.user_id = User(user), .n = 3}); }
  std::set<int> Treated() {
    std::set<int> treated;
    for (int user = 0; user < 200; ++user) {
      const RecommendResponse response = Get(user);
      EXPECT_EQ(response.model, response.arm == Arm::kTreatment ? "far:2" : "near:1");
      if (response.arm == Arm::kTreatment) {
        treated.insert(user);
      }
    }
    return treated;
  }

  FakeShop shop;
  std::atomic<bool> broken{false};
  Traffic traffic;
  std::unique_ptr<Recommender> recommender;
};

TEST_F(Arms, AUserStaysInTheirArmAndARampOnlyAdds) {
  Split(0.1);
  const std::set<int> few = Treated();
  EXPECT_EQ(Treated(), few);
  EXPECT_GT(few.size(), 5U);
  EXPECT_LT(few.size(), 45U);
  Split(0.5);
  const std::set<int> more = Treated();
  EXPECT_GT(more.size(), few.size());
  for (const int user : few) {
    EXPECT_TRUE(more.contains(user)) << user;
  }
  Split(1);
  EXPECT_EQ(Treated().size(), 200U);
  traffic.Publish({});
  EXPECT_EQ(Get(0).arm, Arm::kNone);
  EXPECT_EQ(Get(0).rollout, "");
}

TEST_F(Arms, WhileAPromotionEndsThemTheCandidateIsNobodysControl) {
  const auto counters = Split(0.5);
  ASSERT_TRUE(shop.Serve("far:2").ok());  // the alias has moved, the arms are there still
  for (int user = 0; user < 50; ++user) {
    const RecommendResponse response = Get(user);
    EXPECT_EQ(response.model, "far:2");
    EXPECT_NE(response.arm, Arm::kControl);
    EXPECT_EQ(response.rollout.empty(), response.arm == Arm::kNone);
  }
  EXPECT_EQ(counters->control.Read().answers, 0U);
}

TEST_F(Arms, TheRecordSaysRolloutAndArm) {
  Split(1);
  Get(1);
  EXPECT_EQ(shop.observer.last.rollout, "rollout-000001");
  EXPECT_EQ(shop.observer.last.arm, "treatment");
  EXPECT_EQ(shop.observer.last.model, "far:2");
  const auto replayed = recommender->Replay(shop.observer.last.request_id);
  ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
  EXPECT_TRUE(replayed->same);
  Split(1e-9);
  Get(1);
  EXPECT_EQ(shop.observer.last.arm, "control");
  const auto control = recommender->Replay(shop.observer.last.request_id);
  ASSERT_TRUE(control.ok());
  EXPECT_TRUE(control->same);
}

TEST_F(Arms, WhoeverIsNobodyIsInNone) {
  const auto counters = Split(1);
  RecommendRequest request{.n = 3};
  EXPECT_EQ(Get(request).arm, Arm::kNone);
  request.user_id = "user1";
  request.personalize = false;
  EXPECT_EQ(Get(request).arm, Arm::kNone);
  EXPECT_EQ(shop.observer.last.rollout, "");
  request.personalize = true;
  request.record = false;
  EXPECT_EQ(Get(request).arm, Arm::kTreatment) << "a preview shows what the user sees";
  EXPECT_EQ(counters->treatment.Read().answers, 0U) << "and counts nowhere";
  request.user_id.clear();
  request.anonymous_id = "user2";
  EXPECT_EQ(Get(request).arm, Arm::kTreatment);
}

TEST_F(Arms, OnlyTheScenesOfTheRollout) {
  Split(1, "cart");
  EXPECT_EQ(Get(1).arm, Arm::kNone);
  EXPECT_EQ(Get(RecommendRequest{.scene = "cart", .user_id = "user1", .n = 3}).arm,
            Arm::kTreatment);
  Scene scene = *shop.scenes.Find("cart").value();
  scene.retriever = "other";
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  EXPECT_EQ(Get(RecommendRequest{.scene = "cart", .user_id = "user1", .n = 3}).arm, Arm::kNone)
      << "the scene retrieves with another alias now";
}

TEST_F(Arms, WhatTheCandidateCannotAnswerTheControlDoes) {
  const auto counters = Split(1);
  broken = true;
  const RecommendResponse response = Get(1);
  EXPECT_EQ(response.model, "near:1");
  EXPECT_EQ(response.fallback, Fallback::kNone);
  EXPECT_EQ(response.rung, Rung::kFull);
  EXPECT_EQ(IdsOf(response), (std::vector<std::string>{"item4", "item3", "item5"}));
  EXPECT_EQ(response.arm, Arm::kTreatment) << "its failure counts against it";
  const ArmCounts counts = counters->treatment.Read();
  EXPECT_EQ(counts.answers, 1U);
  EXPECT_EQ(counts.failures, 1U);
  EXPECT_EQ(counts.fallbacks, 0U);
  EXPECT_EQ(counters->control.Read().answers, 0U);
  EXPECT_NE(counters->failure.With([](auto& text) { return text; }).find("finite"),
            std::string::npos);
  broken = false;
  EXPECT_EQ(Get(1).model, "far:2");
  EXPECT_EQ(counters->treatment.Read().failures, 1U);
}

TEST_F(Arms, ACandidateWithoutTimeLeavesTheAnswerToTheControl) {
  const auto counters = Split(1);
  RecommendRequest request{.user_id = "user1", .n = 3};
  request.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  const RecommendResponse response = Get(request);
  EXPECT_EQ(response.fallback, Fallback::kDeadline) << "the control has no time either";
  EXPECT_EQ(counters->treatment.Read().failures, 1U);
}

TEST_F(Arms, ListsOfBothVersionsLieReady) {
  shop.AddCatalogue();
  Split(0.5);
  std::map<Arm, std::vector<std::string>> lists;
  for (int round = 0; round < 2; ++round) {
    for (int user = 0; user < 20; ++user) {
      const auto response =
          recommender->Similar({.item_id = "item4", .user_id = User(user) + "-unknown", .n = 3});
      ASSERT_TRUE(response.ok());
      const auto [at, fresh] = lists.emplace(response->arm, IdsOf(*response));
      EXPECT_EQ(at->second, IdsOf(*response));
      EXPECT_EQ(response->model, response->arm == Arm::kTreatment ? "far:2" : "near:1");
    }
  }
  EXPECT_EQ(lists.size(), 2U);
  EXPECT_EQ(shop.metrics.Samples().at(R"(vitrine_answer_lists_total{scene="item",result="miss"})"),
            2)
      << "one of each version, though the arms alternate";
}

TEST_F(Arms, NothingOfACandidateIsRememberedOfAUser) {
  Split(1);
  Get(1);
  traffic.Publish({});
  RecommendRequest request{.user_id = "user1", .n = 3};
  request.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(Get(request).rung, Rung::kPopular);
}

TEST_F(Arms, InterleavedAnswersAreOfBothListsAndSayWhosePickEachItemIs) {
  const auto counters = Interleave(1);
  const std::vector<std::string> near = {"item4", "item3", "item5"};
  int candidates_first = 0;
  for (int user = 0; user < 60; ++user) {
    const RecommendResponse response = Get(user);
    EXPECT_EQ(response.arm, Arm::kInterleaved);
    EXPECT_EQ(response.model, "near:1");
    ASSERT_EQ(response.items.size(), 3U);
    const std::vector<std::string> ids = IdsOf(response);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 3U);
    for (const RecommendedItem& item : response.items) {
      EXPECT_EQ(item.source, item.team == Team::kCandidate ? "model:far" : "model:near");
    }
    EXPECT_NE(response.items[0].team, response.items[1].team) << "each picks once a round";
    candidates_first += response.items[0].team == Team::kCandidate ? 1 : 0;
    const auto replayed = recommender->Replay(shop.observer.last.request_id);
    ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
    EXPECT_TRUE(replayed->same);
  }
  EXPECT_GT(candidates_first, 12);
  EXPECT_LT(candidates_first, 48);
  const Impression& kept = shop.observer.last;
  EXPECT_EQ(kept.arm, "interleaved");
  EXPECT_EQ(kept.model, "near:1");
  EXPECT_EQ(kept.candidate, "far:2");
  EXPECT_EQ(CountedModel(kept), "interleaved");
  EXPECT_NE(kept.items[0].team, Team::kNone);
  EXPECT_EQ(counters->control.Read().answers, 60U);
  EXPECT_EQ(counters->treatment.Read().answers, 60U);
  EXPECT_EQ(counters->treatment.Read().failures, 0U);
}

TEST_F(Arms, WhoIsNotInterleavedIsInNoArmAndOtherRoutesAreNot) {
  Interleave(0.3);
  int drafted = 0;
  for (int user = 0; user < 200; ++user) {
    const RecommendResponse response = Get(user);
    drafted += response.arm == Arm::kInterleaved ? 1 : 0;
    EXPECT_TRUE(response.arm == Arm::kInterleaved || response.arm == Arm::kNone);
    EXPECT_EQ(response.rollout.empty(), response.arm == Arm::kNone);
  }
  EXPECT_GT(drafted, 30);
  EXPECT_LT(drafted, 90);
  Interleave(1);
  shop.AddCatalogue();
  const auto similar = recommender->Similar({.item_id = "item4", .user_id = "user1", .n = 3});
  ASSERT_TRUE(similar.ok());
  EXPECT_EQ(similar->arm, Arm::kNone);
}

TEST_F(Arms, APinStandsWhereItStoodAndIsNobodysPick) {
  shop.AddCatalogue();
  Scene scene = *shop.scenes.Find("home").value();
  Rule pin;
  pin.kind = RuleKind::kPin;
  pin.name = "first";
  pin.when.items = {"item7"};
  pin.position = 1;
  scene.rules = {pin};
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  Interleave(1);
  for (int user = 0; user < 20; ++user) {
    const RecommendResponse response = Get(user);
    ASSERT_EQ(response.items.size(), 3U);
    EXPECT_EQ(response.items[1].item_id, "item7");
    EXPECT_EQ(response.items[1].team, Team::kNone);
    EXPECT_NE(response.items[0].team, response.items[2].team);
  }
}

TEST_F(Arms, WhatTheCandidateCannotAnswerIsNotInterleaved) {
  const auto counters = Interleave(1);
  broken = true;
  const RecommendResponse response = Get(1);
  EXPECT_EQ(IdsOf(response), (std::vector<std::string>{"item4", "item3", "item5"}));
  EXPECT_EQ(response.arm, Arm::kNone);
  EXPECT_EQ(response.items[0].team, Team::kNone);
  EXPECT_FALSE(shop.observer.last.interleaved());
  EXPECT_EQ(counters->treatment.Read().failures, 1U);
  EXPECT_EQ(counters->control.Read().failures, 0U);
  EXPECT_FALSE(counters->failure.With([](auto& text) { return text; }).empty());
}

TEST(Times, BucketsHoldWhatTheySay) {
  for (double seconds = 1e-6; seconds < 100; seconds *= 1.7) {
    const std::size_t bucket = TimeBucket(seconds);
    EXPECT_LE(seconds, BucketSeconds(bucket) * 1.000001);
    EXPECT_GT(seconds, BucketSeconds(bucket) / 1.1);
  }
  EXPECT_EQ(TimeBucket(0), 0U);
  EXPECT_EQ(TimeBucket(-1), 0U);
  EXPECT_EQ(TimeBucket(1e9), kTimeBuckets - 1);
  ArmCounters counters;
  for (int i = 1; i <= 100; ++i) {
    counters.Add(i * 1e-3, i > 98, i > 99);
  }
  const ArmCounts counts = counters.Read();
  EXPECT_EQ(counts.answers, 100U);
  EXPECT_EQ(counts.failures, 2U);
  EXPECT_EQ(counts.fallbacks, 1U);
  EXPECT_NEAR(counts.seconds, 5.05, 1e-6);
  EXPECT_NEAR(counts.Quantile(0.5), 0.05, 0.005);
  EXPECT_LE(counts.SlowerThan(counts.Quantile(0.95)), 5U);
  EXPECT_EQ(counts.SlowerThan(0), 100U);
  EXPECT_EQ(ArmCounts{}.Quantile(0.5), 0);
}

}  // namespace
}  // namespace vitrine::serve
