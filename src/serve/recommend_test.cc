#include "serve/recommend.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

using Ids = std::vector<std::string>;

class Recommend : public testing::Test {
 protected:
  Recommend() {
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.log.SetUser("ann", {{"item4", EventType::kView}});
  }
  RecommendRequest Ask(const std::string& user = "ann", std::size_t n = 3) {
    RecommendRequest request;
    request.user_id = user;
    request.n = n;
    return request;
  }
  RecommendResponse Get(const RecommendRequest& request) {
    auto response = shop.recommender->Recommend(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : RecommendResponse{};
  }
  FakeShop shop;
};

TEST_F(Recommend, RanksByScoreThenByLowerIndex) {
  const RecommendResponse response = Get(Ask());
  EXPECT_EQ(IdsOf(response), (Ids{"item4", "item3", "item5"}));
  EXPECT_DOUBLE_EQ(response.items[0].score, 1);
  EXPECT_DOUBLE_EQ(response.items[1].score, 0.5);
  EXPECT_EQ(response.items[0].source, "model:near");
  EXPECT_EQ(response.model, "near:1");
  EXPECT_EQ(response.fallback, Fallback::kNone);
  EXPECT_TRUE(response.personalised);
  EXPECT_EQ(response.scene, "home");
}

TEST_F(Recommend, LeavesOutWhatWasBoughtHiddenAndNamed) {
  shop.log.SetUser(
      "bob",
      {{"item4", EventType::kPurchase}, {"item3", EventType::kHide}, {"item6", EventType::kView}});
  RecommendRequest request = Ask("bob", 10);
  request.filter.exclude = {"item0"};
  EXPECT_EQ(IdsOf(Get(request)),
            (Ids{"item6", "item5", "item7", "item2", "item8", "item1", "item9"}));
  request.filter.exclude_bought = false;
  request.filter.exclude_hidden = false;
  request.filter.exclude_seen = true;
  EXPECT_EQ(IdsOf(Get(request)),
            (Ids{"item5", "item3", "item7", "item2", "item8", "item1", "item9"}));
}

TEST_F(Recommend, AnItemTakenDownIsGoneFromTheNextAnswer) {
  shop.AddCatalogue();
  EXPECT_EQ(IdsOf(Get(Ask())), (Ids{"item4", "item3", "item5"}));
  Item row = FakeShop::Row("item4");
  row.hidden = true;
  shop.Change(row);
  EXPECT_EQ(IdsOf(Get(Ask())), (Ids{"item3", "item5", "item2"}));
  ASSERT_TRUE(shop.log.DeleteItem("item3", After(std::chrono::seconds(1))).ok());
  EXPECT_EQ(IdsOf(Get(Ask())), (Ids{"item5", "item2", "item6"}));
  RecommendRequest request = Ask();
  request.filter.include = {"item3", "item4", "item9"};  // an explicit list does not bring it back
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item9"}));
}

TEST_F(Recommend, StockAndTheCatalogueCountWhereTheSceneSaysSo) {
  shop.AddCatalogue();
  Item row = FakeShop::Row("item4");
  row.stock = 0;
  shop.Change(row);
  EXPECT_EQ(IdsOf(Get(Ask())), (Ids{"item3", "item5", "item2"}));
  RecommendRequest request = Ask();
  request.filter.exclude_out_of_stock = false;
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item4", "item3", "item5"}));
  row.stock = 3;
  shop.Change(row);
  EXPECT_EQ(IdsOf(Get(Ask())), (Ids{"item4", "item3", "item5"}));
}

TEST_F(Recommend, ItemsWithoutACatalogueRowAreUnknownOnceThereIsACatalogue) {
  EXPECT_EQ(IdsOf(Get(Ask())), (Ids{"item4", "item3", "item5"}));
  shop.Change(FakeShop::Row("item0"));
  EXPECT_EQ(IdsOf(Get(Ask())), (Ids{"item0"}));
  RecommendRequest request = Ask();
  request.filter.exclude_unknown = false;
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item4", "item3", "item5"}));
}

TEST_F(Recommend, WhereKeepsToMatchingItems) {
  shop.AddCatalogue();
  RecommendRequest request = Ask();
  request.filter.where.brands = {"B"};
  request.filter.where.price_min = 3;
  request.filter.where.price_max = 8;
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item3", "item5", "item7"}));
  request.filter.where = {};
  request.filter.where.categories = {"High"};
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item5", "item6", "item7"}));
  request.filter.where.categories = {"Hi"};  // a level, not a prefix of letters
  EXPECT_TRUE(Get(request).items.empty());
}

TEST_F(Recommend, AnUnknownUserGetsLabelledPopularItems) {
  const RecommendResponse response = Get(Ask("nobody"));
  EXPECT_EQ(IdsOf(response), (Ids{"item0", "item1", "item2"}));
  EXPECT_EQ(response.fallback, Fallback::kUnknownUser);
  EXPECT_FALSE(response.why.empty());
  EXPECT_EQ(response.items[0].source, "fallback:popularity");
  EXPECT_TRUE(response.model.empty());
  EXPECT_FALSE(response.personalised);
  EXPECT_EQ(shop.observer.last.fallback, "unknown_user");
  EXPECT_EQ(shop.observer.last.subject, "nobody");
  EXPECT_EQ(shop.observer.served, 0);
}

TEST_F(Recommend, WithoutPersonalizeNothingOfTheUserIsRead) {
  shop.log.SetUser("ann", {{"item0", EventType::kPurchase}});
  RecommendRequest request = Ask();
  request.personalize = false;
  request.history = std::vector<SeenEvent>{{.item_id = "item9"}};
  const int reads = shop.log.state_reads;
  const RecommendResponse response = Get(request);
  EXPECT_EQ(shop.log.state_reads, reads);
  EXPECT_EQ(IdsOf(response), (Ids{"item0", "item1", "item2"}));  // item0 was bought: not known here
  EXPECT_EQ(response.fallback, Fallback::kNotPersonalised);
  EXPECT_TRUE(shop.observer.last.subject.empty());
  EXPECT_TRUE(shop.observer.last.history.empty());
}

TEST_F(Recommend, WithoutAModelTheTrendIsShown) {
  shop.desired = {};
  shop.models.SetDesired({});
  Event event;
  event.type = EventType::kPurchase;
  event.user_id = "eve";
  event.items = {{.item_id = "item7"}};
  event.ts = shop.now;
  ASSERT_TRUE(shop.log.AppendEvents(std::span(&event, 1), After(std::chrono::seconds(1))).ok());
  event.type = EventType::kView;
  event.items = {{.item_id = "brand-new"}};
  ASSERT_TRUE(shop.log.AppendEvents(std::span(&event, 1), After(std::chrono::seconds(1))).ok());
  const RecommendResponse response = Get(Ask());
  EXPECT_EQ(IdsOf(response), (Ids{"item7", "brand-new", "item0"}));
  EXPECT_EQ(response.fallback, Fallback::kNoModel);
  EXPECT_EQ(response.items[0].source, "fallback:trending");
}

TEST_F(Recommend, ATooLateRequestGetsTheFallback) {
  RecommendRequest request = Ask();
  request.deadline = std::chrono::steady_clock::now() - std::chrono::milliseconds(1);
  EXPECT_EQ(Get(request).fallback, Fallback::kDeadline);
}

TEST_F(Recommend, AFailingModelGetsTheFallbackAndIsReported) {
  const auto fails = std::make_shared<std::atomic<bool>>(false);
  shop.make["broken:1"] = [this, fails] {
    ModelParts parts = FakeParts<double>("broken", shop.names, 5, Neighbours<double>);
    parts.graph = std::make_unique<FakeGraph<double>>(12, Neighbours<double>, fails);
    return parts;
  };
  ASSERT_TRUE(shop.Serve("broken:1").ok());
  EXPECT_EQ(Get(Ask()).fallback, Fallback::kNone);
  *fails = true;
  RecommendRequest preview = Ask("bob");
  preview.history = std::vector<SeenEvent>{{.item_id = "item3", .ts = Micros{1}}};
  const RecommendResponse response = Get(preview);
  EXPECT_EQ(response.fallback, Fallback::kModelFailed);
  EXPECT_EQ(response.rung, Rung::kPopular);
  EXPECT_EQ(IdsOf(response), (Ids{"item0", "item1", "item2"}));
  EXPECT_NE(shop.observer.failure.find("told to fail"), std::string::npos);
  *fails = false;
}

TEST_F(Recommend, WithoutTimeAUserGetsTheirLastAnswerLessWhatMayNotBeShownNow) {
  const RecommendResponse full = Get(Ask());
  EXPECT_EQ(full.rung, Rung::kFull);
  EXPECT_EQ(shop.observer.degraded, "");
  RecommendRequest late = Ask();
  late.deadline = std::chrono::steady_clock::now() - std::chrono::milliseconds(1);
  const RecommendResponse again = Get(late);
  EXPECT_EQ(again.fallback, Fallback::kDeadline);
  EXPECT_EQ(again.rung, Rung::kCached);
  EXPECT_EQ(IdsOf(again), IdsOf(full));
  EXPECT_EQ(again.items[0].source, "fallback:cached");
  EXPECT_EQ(shop.observer.degraded, "home:cached");
  late.filter.exclude = {full.items[0].item_id};
  EXPECT_EQ(Get(late).items[0].item_id, full.items[1].item_id);
  shop.recommender->Forget("ann");
  EXPECT_EQ(Get(late).rung, Rung::kPopular);
}

TEST_F(Recommend, AnswersToNarrowerQuestionsAreNotRemembered) {
  RecommendRequest narrow = Ask();
  narrow.filter.include = {"item7"};
  EXPECT_EQ(IdsOf(Get(narrow)), Ids{"item7"});
  RecommendRequest late = Ask();
  late.deadline = std::chrono::steady_clock::now() - std::chrono::milliseconds(1);
  EXPECT_EQ(Get(late).rung, Rung::kPopular);
}

TEST_F(Recommend, AVersionThatCannotBeServedLeavesTheOldOne) {
  // A vocabulary of another artifact: the width differs from what the graph gives.
  shop.make["broken:2"] = [this] {
    ModelParts parts = FakeParts<double>("broken", shop.names, 5, Neighbours<double>);
    parts.graph = std::make_unique<FakeGraph<double>>(7, Neighbours<double>);
    return parts;
  };
  const Status status = shop.Serve("broken:2");
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("broken:2"), std::string::npos);
  EXPECT_EQ(Get(Ask()).model, "near:1");  // the alias kept what works
}

TEST_F(Recommend, TheRequestsHistoryReplacesTheState) {
  RecommendRequest request = Ask();
  request.history =
      std::vector<SeenEvent>{{.item_id = "item8", .ts = Micros{1}, .type = EventType::kPurchase},
                             {.item_id = "item0", .ts = Micros{5}, .type = EventType::kView}};
  request.as_of = Micros{2};  // the second event has not happened yet
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item7", "item9", "item6"}));
  EXPECT_EQ(shop.observer.last.history.size(), 1U);
  EXPECT_EQ(shop.observer.last.ts, Micros{2});
  request.history = std::vector<SeenEvent>{};
  EXPECT_EQ(Get(request).fallback, Fallback::kNoHistory);
  // Scored as it is, also where nothing is known of it: an evaluator must see the model.
  request.history = std::vector<SeenEvent>{{.item_id = "never-seen", .ts = Micros{1}}};
  EXPECT_EQ(Get(request).fallback, Fallback::kNone);
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item0", "item1", "item2"}));
}

TEST_F(Recommend, RefusesWhatItCannotAnswer) {
  RecommendRequest request = Ask();
  request.scene = "nowhere";
  const auto no_scene = shop.recommender->Recommend(request);
  EXPECT_EQ(no_scene.status().code(), Code::kNotFound);
  EXPECT_NE(no_scene.status().message().find("home"), std::string::npos);
  request = Ask("ann", 101);
  EXPECT_EQ(shop.recommender->Recommend(request).status().code(), Code::kInvalidArgument);
  request = Ask();
  request.language = "fr";
  EXPECT_EQ(shop.recommender->Recommend(request).status().code(), Code::kInvalidArgument);
  request = Ask();
  request.explain = true;
  EXPECT_EQ(shop.recommender->Recommend(request).status().code(), Code::kFailedPrecondition);
}

TEST_F(Recommend, KeepsAnImpressionThatReplaysToTheSameList) {
  const RecommendResponse response = Get(Ask());
  const auto replayed = shop.recommender->Replay(response.request_id);
  ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
  EXPECT_TRUE(replayed->same);
  ASSERT_EQ(replayed->model_scores.size(), 3U);
  EXPECT_EQ(replayed->model_scores[1], response.items[1].score);
  const Impression& kept = replayed->impression;
  EXPECT_EQ(kept.subject, "ann");
  EXPECT_EQ(kept.route, "recommend");
  EXPECT_EQ(kept.model, "near:1");
  EXPECT_EQ(kept.history.size(), 1U);
  EXPECT_EQ(kept.history[0].item_id, "item4");

  // Its history in a new request gives the same list through the whole pipeline.
  RecommendRequest again = Ask("");
  again.history = kept.history;
  again.as_of = kept.ts;
  EXPECT_EQ(IdsOf(Get(again)), IdsOf(response));

  EXPECT_EQ(shop.recommender->Replay("req_none").status().code(), Code::kNotFound);
  shop.make["near:2"] = [this] {
    return FakeParts<double>("near", shop.names, 5, Neighbours<double>);
  };
  shop.desired = {};
  ASSERT_TRUE(shop.Serve("near:2").ok());
  EXPECT_EQ(shop.recommender->Replay(response.request_id).status().code(),
            Code::kFailedPrecondition);
}

TEST_F(Recommend, AReplayThatDiffersSaysSo) {
  const RecommendResponse response = Get(Ask());
  Impression forged = shop.log.GetImpression(response.request_id).value();
  forged.items[1].score += 0.01;
  ASSERT_TRUE(shop.log.AppendImpression(forged).ok());
  EXPECT_FALSE(shop.recommender->Replay(response.request_id)->same);
  forged.items[1].score -= 0.01;
  std::swap(forged.items[0], forged.items[1]);
  ASSERT_TRUE(shop.log.AppendImpression(forged).ok());
  EXPECT_FALSE(shop.recommender->Replay(response.request_id)->same);
}

TEST_F(Recommend, TheObserverSeesFeaturesScoresAndTheImpression) {
  const RecommendResponse response = Get(Ask());
  EXPECT_EQ(shop.observer.served, 1);
  EXPECT_EQ(shop.observer.version, "near:1");
  EXPECT_EQ(shop.observer.history_places, 1);
  EXPECT_EQ(shop.observer.shown_scores, (std::vector<double>{1, 0.5, 0.5}));
  EXPECT_EQ(shop.observer.last.request_id, response.request_id);
  EXPECT_TRUE(shop.observer.last_kept);
  shop.log.impressions_fit = false;  // the answer goes out all the same
  EXPECT_EQ(Get(Ask()).items.size(), 3U);
  EXPECT_FALSE(shop.observer.last_kept);
  RecommendRequest quiet = Ask();
  quiet.record = false;
  const int before = shop.observer.impressions;
  Get(quiet);
  EXPECT_EQ(shop.observer.impressions, before);
}

TEST_F(Recommend, SimilarScoresOneItemAndLeavesItOut) {
  SimilarRequest request;
  request.item_id = "item4";
  request.n = 2;
  const auto response = shop.recommender->Similar(request);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(IdsOf(*response), (Ids{"item3", "item5"}));
  EXPECT_EQ(response->scene, "item");
  EXPECT_FALSE(response->personalised);
  EXPECT_EQ(shop.observer.last.route, "similar");
  request.item_id = "never-seen";
  EXPECT_EQ(shop.recommender->Similar(request).status().code(), Code::kNotFound);
}

TEST_F(Recommend, SimilarToANewItemPrefersItsCategory) {
  shop.AddCatalogue();
  Item row = FakeShop::Row("brand-new");
  row.categories = {"High > Third"};
  shop.Change(row);
  SimilarRequest request;
  request.item_id = "brand-new";
  request.n = 6;
  const auto response = shop.recommender->Similar(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->fallback, Fallback::kUnknownItem);
  EXPECT_EQ(IdsOf(*response), (Ids{"item5", "item6", "item7", "item8", "item9", "item0"}));
}

TEST_F(Recommend, RankOrdersCandidatesAndLeavesOutWhatMayNotBeShown) {
  RankRequest rank;
  rank.request = Ask("ann", 0);
  rank.candidates = {
      {.item_id = "item0"}, {.item_id = "new"}, {.item_id = "item5"}, {.item_id = "item4"}};
  auto response = shop.recommender->Rank(rank);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->scene, "article");
  // The article scene leaves out what was seen: item4.
  EXPECT_EQ(IdsOf(*response), (Ids{"item5", "item0", "new"}));
  EXPECT_EQ(response->items[2].source, "unknown");
}

TEST_F(Recommend, RankMultipliesBidsByRelevance) {
  RankRequest rank;
  rank.request = Ask("ann", 0);
  rank.candidates = {{.item_id = "item4", .bid = 1},
                     {.item_id = "item3", .bid = 4},
                     {.item_id = "item9", .bid = 5}};
  const auto response = shop.recommender->Rank(rank);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->scene, "ad");
  // Scores 1, 1/2, 1/6; the lowest of the vocabulary is 1/6 and the highest 1.
  EXPECT_EQ(IdsOf(*response), (Ids{"item3", "item4", "item9"}));
  EXPECT_NEAR(response->items[0].score, 4 * (0.5 - 1.0 / 6) / (1 - 1.0 / 6), 1e-12);
  EXPECT_EQ(response->items[0].source, "bid");
  rank.candidates[1].bid = 0;
  EXPECT_EQ(shop.recommender->Rank(rank).status().code(), Code::kInvalidArgument);
  rank.candidates.clear();
  EXPECT_EQ(shop.recommender->Rank(rank).status().code(), Code::kInvalidArgument);
}

TEST_F(Recommend, ARankerOrdersTheRetrieversBest) {
  shop.make["far:1"] = [this] {
    return FakeParts<float>("far", shop.names, 5, [](auto, std::span<float> scores) {
      for (std::size_t i = 0; i < scores.size(); ++i) {
        scores[i] = static_cast<float>(i);
      }
    });
  };
  ASSERT_TRUE(shop.Serve("far:1", "ranker").ok());
  Scene scene = *shop.scenes.Find("home").value();
  scene.ranker = "ranker";
  scene.candidates = 5;
  scene.n_default = 3;
  scene.n_max = 5;
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  const RecommendResponse response = Get(Ask());
  EXPECT_EQ(IdsOf(response), (Ids{"item6", "item5", "item4"}));  // of items 2 to 6
  EXPECT_EQ(response.model, "far:1");
  EXPECT_TRUE(shop.recommender->Replay(response.request_id)->same);
  EXPECT_EQ(response.rung, Rung::kFull);
}

TEST_F(Recommend, WithoutItsRankerASceneKeepsTheRetrieversOrder) {
  Scene scene = *shop.scenes.Find("home").value();
  scene.ranker = "ranker";
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  const RecommendResponse missing = Get(Ask());
  EXPECT_EQ(missing.fallback, Fallback::kNone);
  EXPECT_EQ(missing.model, "near:1");
  EXPECT_EQ(missing.rung, Rung::kNoRanker);
  EXPECT_EQ(shop.observer.degraded, "home:no_ranker");
}

TEST_F(Recommend, VersionsSwapUnderLoadWithoutAFailedRequest) {
  shop.make["near:2"] = [this] {
    return FakeParts<float>("near", shop.names, 5, Neighbours<float>);
  };
  shop.desired.folders["near:2"] = "unused";  // kept loaded, so that a swap is one pointer
  ASSERT_TRUE(shop.Serve("near:1").ok());
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> answered = 0;
  std::vector<std::jthread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      while (!stop) {
        const auto response = shop.recommender->Recommend(Ask());
        const bool good = response.ok() && response->fallback == Fallback::kNone &&
                          IdsOf(*response) == Ids{"item4", "item3", "item5"};
        failed += good ? 0 : 1;
        ++answered;
      }
    });
  }
  for (int round = 0; round < 50; ++round) {
    shop.desired.aliases["champion"] = round % 2 == 0 ? "near:2" : "near:1";
    shop.models.SetDesired(shop.desired);
    EXPECT_EQ(shop.models.Get("champion")->version(), shop.desired.aliases["champion"]);
  }
  while (answered < 100) {
    std::this_thread::yield();
  }
  stop = true;
  callers.clear();
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace vitrine::serve
