// Scenes whose ranker scores candidates.
#include <gtest/gtest.h>

#include <functional>

#include <atomic>
#include <memory>

#include "serve/fake_ranker.h"
#include "serve/fake_shop.h"
#include "serve/outside_rankers.h"

namespace vitrine::serve {
namespace {

using Ids = std::vector<std::string>;

// Prefers later items of the vocabulary; an even history item adds a little to even candidates.
float LaterFirst(std::span<const std::int64_t> history, std::int64_t item) {
  float score = static_cast<float>(item) / 100;
  for (const std::int64_t place : history) {
    score += place >= kFirstItem && place % 2 == 0 && item % 2 == 0 ? 0.001F : 0.0F;
  }
  return score;
}

class Ranker : public testing::Test {
 protected:
  Ranker() {
    shop.make["ctr:1"] = [this] { return FakeRanker("ctr", shop.names, LaterFirst, fails); };
    EXPECT_TRUE(shop.Serve("near:1").ok());
    EXPECT_TRUE(shop.Serve("ctr:1", "ranker").ok());
    shop.log.SetUser("ann", {{"item4", EventType::kView}});
    UseRanker("home", "ranker");
  }
  void UseRanker(const std::string& name, const std::string& alias) {
    Scene scene = *shop.scenes.Find(name).value();
    scene.ranker = alias;
    scene.candidates = 5;
    scene.n_default = 3;
    scene.n_max = 5;
    EXPECT_TRUE(shop.scenes.Put(scene).ok());
  }
  RecommendResponse Get(const std::string& user = "ann") {
    RecommendRequest request;
    request.user_id = user;
    auto response = shop.recommender->Recommend(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : RecommendResponse{};
  }
  RecommendResponse Rank(const std::string& user, const std::vector<Candidate>& candidates,
                         const std::string& scene = "article") {
    RankRequest request;
    request.request.user_id = user;
    request.request.scene = scene;
    request.candidates = candidates;
    auto response = shop.recommender->Rank(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : RecommendResponse{};
  }
  std::shared_ptr<std::atomic<bool>> fails = std::make_shared<std::atomic<bool>>(false);
  FakeShop shop;
};

TEST_F(Ranker, OrdersTheRetrieversBestAndTheRestDropOut) {
  const RecommendResponse response = Get();
  EXPECT_EQ(IdsOf(response), (Ids{"item6", "item5", "item4"}));  // of items 2 to 6
  EXPECT_EQ(response.model, "ctr:1");
  EXPECT_EQ(response.items[0].source, "model:ctr");
  EXPECT_NEAR(response.items[0].score, 0.081, 1e-6);
  EXPECT_EQ(response.rung, Rung::kFull);
  EXPECT_TRUE(response.personalised);
  // Whoever watches is shown its features, a row for each item that was.
  EXPECT_EQ(shop.observer.version, "ctr:1");
  EXPECT_EQ(shop.observer.shown_scores.size(), 3U);
  EXPECT_EQ(shop.observer.history_places, 3);
  const auto replayed = shop.recommender->Replay(response.request_id);
  ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
  EXPECT_TRUE(replayed->same);
}

TEST_F(Ranker, WhatFiltersLeaveOutIsNoCandidate) {
  shop.log.SetUser("bob", {{"item4", EventType::kView}, {"item6", EventType::kPurchase}});
  EXPECT_EQ(IdsOf(Get("bob")), (Ids{"item7", "item5", "item4"}));  // of items 7, 5, 4, 3, 2
}

TEST_F(Ranker, ItemsThatItDoesNotKnowDropOut) {
  shop.make["ctr:1"] = [this] {
    return FakeRanker("ctr", {"item3", "item5", "item4"}, LaterFirst, fails);
  };
  shop.make["ctr:2"] = shop.make["ctr:1"];
  ASSERT_TRUE(shop.Serve("ctr:2", "ranker").ok());
  EXPECT_EQ(IdsOf(Get()), (Ids{"item4", "item5", "item3"}));
  shop.make["ctr:3"] = [this] { return FakeRanker("ctr", {"item9"}, LaterFirst, fails); };
  ASSERT_TRUE(shop.Serve("ctr:3", "ranker").ok());
  const RecommendResponse none = Get();
  EXPECT_EQ(IdsOf(none), (Ids{"item4", "item3", "item5"}));  // the retriever's order
  EXPECT_EQ(none.rung, Rung::kNoRanker);
}

TEST_F(Ranker, ARetrieverThatKnowsNoCandidateLeavesTheOrderToo) {
  shop.make["other:1"] = [] {
    return FakeParts<float>("other", {"item90", "item91"}, 3, Neighbours<float>);
  };
  ASSERT_TRUE(shop.Serve("other:1", "ranker").ok());
  shop.log.SetUser("ann", {{"item4", EventType::kView}, {"item90", EventType::kView}});
  const RecommendResponse response = Get();
  EXPECT_EQ(IdsOf(response), (Ids{"item4", "item3", "item5"}));
  EXPECT_EQ(response.rung, Rung::kNoRanker);
}

TEST_F(Ranker, AFailureKeepsTheRetrieversOrder) {
  *fails = true;
  const RecommendResponse response = Get();
  EXPECT_EQ(IdsOf(response), (Ids{"item4", "item3", "item5"}));
  EXPECT_EQ(response.model, "near:1");
  EXPECT_EQ(response.rung, Rung::kNoRanker);
  EXPECT_EQ(shop.observer.degraded, "home:no_ranker");
  EXPECT_NE(shop.observer.failure.find("told to fail"), std::string::npos);
}

TEST_F(Ranker, RanksGivenCandidatesForAnybody) {
  UseRanker("article", "ranker");
  const std::vector<Candidate> given = {{"item1"}, {"stranger"}, {"item9"}, {"item4"}};
  const RecommendResponse known = Rank("ann", given);
  EXPECT_EQ(IdsOf(known), (Ids{"item9", "item1", "stranger"}));  // item4 was seen
  EXPECT_EQ(known.model, "ctr:1");
  EXPECT_EQ(known.rung, Rung::kFull);
  EXPECT_TRUE(known.personalised);
  EXPECT_EQ(known.items[2].source, "unknown");
  const RecommendResponse unknown = Rank("nobody", given);
  EXPECT_EQ(IdsOf(unknown), (Ids{"item9", "item4", "item1", "stranger"}));
  EXPECT_EQ(unknown.model, "ctr:1");
  EXPECT_EQ(unknown.fallback, Fallback::kNone);
  EXPECT_FALSE(unknown.personalised);
  EXPECT_TRUE(shop.recommender->Replay(unknown.request_id)->same);
  *fails = true;
  const RecommendResponse failed = Rank("ann", {{"item1"}, {"item9"}, {"item5"}});
  EXPECT_EQ(IdsOf(failed), (Ids{"item5", "item1", "item9"}));
  EXPECT_EQ(failed.model, "near:1");
  EXPECT_EQ(failed.rung, Rung::kNoRanker);
}

TEST_F(Ranker, ABidIsMultipliedByItsScore) {
  UseRanker("ad", "ranker");
  const RecommendResponse response =
      Rank("nobody", {{"item8", 1.0}, {"item1", 5.0}, {"stranger", 9.0}}, "ad");
  EXPECT_EQ(IdsOf(response), (Ids{"item1", "item8", "stranger"}));
  EXPECT_NEAR(response.items[0].score, 5 * 0.03, 1e-6);
  EXPECT_NEAR(response.items[1].score, 1 * 0.10, 1e-6);
  EXPECT_EQ(response.items[0].source, "bid");
}

/// A graph that notes the deadlines it was given, as one of another server would.
class Elsewhere final : public LoadedGraph {
 public:
  Elsewhere(FakeRankerGraph graph, std::vector<Deadline>& deadlines,
            const std::function<void()>& meanwhile)
      : graph_(std::move(graph)), deadlines_(deadlines), meanwhile_(meanwhile) {}
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return graph_.inputs(); }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return graph_.outputs(); }
  Status Run(std::span<const Tensor>, std::vector<Tensor>&) const override {
    return Internal("asked without a deadline");
  }
  Status RunUntil(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                  Deadline deadline) const override {
    deadlines_.push_back(deadline);
    if (meanwhile_) {
      meanwhile_();
    }
    return graph_.Run(inputs, outputs);
  }

 private:
  FakeRankerGraph graph_;
  std::vector<Deadline>& deadlines_;
  const std::function<void()>& meanwhile_;
};

class OutsideRanker : public Ranker {
 protected:
  OutsideRanker() {
    ModelParts parts = FakeRanker("unused", shop.names, LaterFirst);
    parts.graph =
        std::make_unique<Elsewhere>(FakeRankerGraph(LaterFirst, fails), deadlines, meanwhile);
    EXPECT_TRUE(outside.Add("ctr", std::move(parts), shop.log, shop.items).ok());
    EXPECT_TRUE(deadlines.empty());  // a server that is down keeps nobody from starting
    recommender = std::make_unique<Recommender>(RecommenderParts{.log = &shop.log,
                                                                 .models = &shop.models,
                                                                 .scenes = &shop.scenes,
                                                                 .items = &shop.items,
                                                                 .observer = &shop.observer,
                                                                 .outside = &outside,
                                                                 .now = nullptr});
    UseRanker("home", "remote:ctr");
    request.user_id = "ann";
  }
  std::vector<Deadline> deadlines;
  std::function<void()> meanwhile;  // what happens while the other server thinks
  OutsideRankers outside;
  std::unique_ptr<Recommender> recommender;
  RecommendRequest request;
};

TEST_F(OutsideRanker, IsAskedUntilTheRequestsDeadline) {
  request.deadline = After(std::chrono::seconds(30));
  const auto response = recommender->Recommend(request);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(IdsOf(*response), (Ids{"item6", "item5", "item4"}));
  EXPECT_EQ(response->model, "remote:ctr");
  EXPECT_EQ(response->rung, Rung::kFull);
  EXPECT_EQ(deadlines, std::vector<Deadline>{*request.deadline});
  EXPECT_EQ(recommender->Replay(response->request_id).status().code(), Code::kFailedPrecondition);
}

TEST_F(OutsideRanker, NothingIsKeptOfAUserWhoIsErasedMeanwhile) {
  const auto before = recommender->Recommend(request);
  ASSERT_TRUE(before.ok());
  EXPECT_EQ(shop.log.GetImpression(before->request_id)->subject, "ann");
  recommender->Forget("ann");
  meanwhile = [this] {
    EXPECT_TRUE(shop.log.EraseUser("ann", After(std::chrono::seconds(1))).ok());
  };
  const auto response = recommender->Recommend(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->model, "remote:ctr");
  const auto kept = shop.log.GetImpression(response->request_id);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->subject, "");
  EXPECT_TRUE(kept->history.empty());
  EXPECT_EQ(kept->items.size(), response->items.size());
}

TEST_F(OutsideRanker, LeavesTheRetrieverTimeToRankInItsStead) {
  UseRanker("article", "remote:ctr");
  RankRequest rank;
  rank.candidates = {{"item1", 0}};
  rank.request.user_id = "ann";
  rank.request.deadline = After(std::chrono::seconds(30));
  ASSERT_TRUE(recommender->Rank(rank).ok());
  ASSERT_EQ(deadlines.size(), 1U);
  EXPECT_LT(deadlines[0], *rank.request.deadline);
}

TEST_F(OutsideRanker, TheRetrieversOrderStandsWhereItFailsOrNobodyMayWait) {
  *fails = true;
  const auto failed = recommender->Recommend(request);
  ASSERT_TRUE(failed.ok());
  EXPECT_EQ(failed->rung, Rung::kNoRanker);
  EXPECT_EQ(failed->model, "near:1");
  *fails = false;
  deadlines.clear();
  request.may_wait = false;
  EXPECT_EQ(recommender->Recommend(request)->rung, Rung::kNoRanker);
  request.may_wait = true;
  UseRanker("home", "remote:nobody");
  EXPECT_EQ(recommender->Recommend(request)->rung, Rung::kNoRanker);
  EXPECT_TRUE(deadlines.empty());
}

TEST_F(OutsideRanker, SaysWhichRequestsWait) {
  EXPECT_TRUE(recommender->WaitsUntil(request).has_value());
  request.scene = "item";
  EXPECT_FALSE(recommender->WaitsUntil(request).has_value());
  request.scene = "none";
  EXPECT_FALSE(recommender->WaitsUntil(request).has_value());
  RankRequest rank;
  rank.candidates = {{"item1", 0}};
  EXPECT_FALSE(recommender->WaitsUntil(rank).has_value());
  UseRanker("article", "remote:ctr");
  EXPECT_TRUE(recommender->WaitsUntil(rank).has_value());
  EXPECT_EQ(recommender->Rank(rank)->model, "remote:ctr");
}

TEST_F(OutsideRanker, CannotRetrieve) {
  Scene scene = *shop.scenes.Find("home").value();
  scene.retriever = "remote:ctr";
  EXPECT_EQ(shop.scenes.Put(scene).code(), Code::kInvalidArgument);
}

TEST_F(Ranker, CannotBeTheRetrieverOfAScene) {
  Scene scene = *shop.scenes.Find("home").value();
  scene.retriever = "ranker";
  scene.ranker = "";
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  const RecommendResponse response = Get();
  EXPECT_EQ(response.fallback, Fallback::kNoModel);
  EXPECT_NE(response.why.find("a ranker, which finds no candidates"), std::string::npos)
      << response.why;
}

TEST_F(Ranker, IsCheckedBeforeAnybodySeesIt) {
  ModelParts missing = FakeRanker("ctr", shop.names, LaterFirst);
  missing.spec = HistorySpec(shop.names, 3);
  const Status input = ServedModel::Make("c:1", std::move(missing), shop.log, shop.items).status();
  EXPECT_EQ(input.code(), Code::kInvalidArgument);
  EXPECT_NE(input.message().find("'item'"), std::string_view::npos);
  const Status finite =
      ServedModel::Make(
          "c:1",
          FakeRanker("ctr", shop.names,
                     [](auto, std::int64_t item) { return item == 5 ? std::nanf("") : 0.0F; }),
          shop.log, shop.items)
          .status();
  EXPECT_EQ(finite.code(), Code::kInternal);
}

}  // namespace
}  // namespace vitrine::serve
