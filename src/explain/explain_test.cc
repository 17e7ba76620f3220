#include "explain/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "explain/hour_model_testing.h"
#include "serve/fake_ranker.h"
#include "serve/fake_shop.h"
#include "serve/outside_rankers.h"

namespace vitrine::explain {
namespace {

using serve::FakeParts;
using serve::FakeShop;
using serve::Reason;
using serve::ReasonKind;
using serve::RecommendedItem;

// Not additive: the places share one weight, as in attention.
void Attentive(std::span<const std::int64_t> history, std::span<float> scores) {
  std::vector<double> near(scores.size(), 0);
  serve::Neighbours<double>(history, near);
  double present = 1;
  for (const std::int64_t item : history) {
    present += item >= kFirstItem ? 1 : 0;
  }
  for (std::size_t j = 0; j < scores.size(); ++j) {
    scores[j] = static_cast<float>(0.01 * static_cast<double>(j) + near[j] / present);
  }
}

void ExpectReasonsAddUp(const std::vector<RecommendedItem>& items) {
  for (const RecommendedItem& item : items) {
    double sum = 0;
    for (const Reason& reason : item.reasons) {
      sum += reason.contribution;
      EXPECT_FALSE(reason.text.empty());
    }
    EXPECT_NEAR(sum, item.score, 1e-9) << item.item_id;
  }
}

class Explain : public testing::Test {
 protected:
  Explain()
      : shop(10, [](const data::EventLog& log) { return std::make_unique<ScoreExplainer>(log); }) {
    shop.make["attentive:1"] = [this] {
      return FakeParts<float>("attentive", shop.names, 8, Attentive);
    };
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.AddCatalogue();
    Item tea = FakeShop::Row("item4");
    tea.title = "Green Tea";
    shop.Change(tea);
    shop.log.SetUser("ann", {{"item4", EventType::kPurchase},
                             {"item8", EventType::kView},
                             {"item8", EventType::kView}});
  }
  serve::RecommendRequest Ask() {
    serve::RecommendRequest request;
    request.user_id = "ann";
    request.n = 4;
    request.explain = true;
    return request;
  }
  serve::RecommendResponse Get(const serve::RecommendRequest& request) {
    auto response = shop.recommender->Recommend(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : serve::RecommendResponse{};
  }
  void PutRules(std::vector<serve::Rule> rules) {
    serve::Scene scene = *shop.scenes.Find("home").value();
    scene.rules = std::move(rules);
    EXPECT_TRUE(shop.scenes.Put(scene).ok());
  }

  Result<Explanation> Later(const std::string& request_id, std::string_view language = "en") {
    const auto& explainer = dynamic_cast<const ScoreExplainer&>(*shop.explainer);
    return ExplainAnswer(*shop.recommender, shop.models, explainer, request_id, language);
  }
  FakeShop shop;
};

TEST_F(Explain, ReasonsOfAnAdditiveModelAddUp) {
  const auto response = Get(Ask());
  ASSERT_EQ(response.items.size(), 4U);
  EXPECT_EQ(response.items[0].item_id, "item8");
  ExpectReasonsAddUp(response.items);
  const std::vector<Reason>& reasons = response.items[0].reasons;
  ASSERT_EQ(reasons.size(), 3U);  // two views of item8 are one reason
  EXPECT_EQ(reasons[0].kind, ReasonKind::kHistory);
  EXPECT_EQ(reasons[0].item_id, "item8");
  EXPECT_EQ(reasons[0].type, EventType::kView);
  EXPECT_NEAR(reasons[0].contribution, 2, 1e-12);
  EXPECT_EQ(reasons[0].text, "Because you viewed item8");
  EXPECT_NEAR(reasons[1].contribution, 0.2, 1e-12);
  EXPECT_EQ(reasons[1].text, "Because you bought Green Tea");
  EXPECT_EQ(reasons[2].kind, ReasonKind::kBase);
}

TEST_F(Explain, ReasonsOfANetworkAddUp) {
  ASSERT_TRUE(shop.Serve("attentive:1").ok());
  const auto response = Get(Ask());
  EXPECT_EQ(response.model, "attentive:1");
  ExpectReasonsAddUp(response.items);
  EXPECT_NE(response.items[0].reasons.back().contribution, 0);  // a base of its own
}

TEST_F(Explain, AnAttributeOfTheRequestIsAPartOfItsOwn) {
  shop.make["hour:1"] = [this] { return HourModel(shop.names); };
  ASSERT_TRUE(shop.Serve("hour:1").ok());
  auto request = Ask();
  request.context["hour"] = 8.0;
  const auto response = Get(request);
  ExpectReasonsAddUp(response.items);
  const auto& reasons = response.items[0].reasons;
  const auto hour = std::find_if(reasons.begin(), reasons.end(), [](const Reason& reason) {
    return reason.kind == ReasonKind::kFeature;
  });
  ASSERT_NE(hour, reasons.end());
  EXPECT_EQ(hour->feature, "context.hour");
  EXPECT_NEAR(hour->contribution, 4, 1e-9);
  EXPECT_EQ(hour->text, "Because of the request's hour");
  EXPECT_EQ(reasons.back().kind, ReasonKind::kBase);
  EXPECT_LT(reasons.back().contribution, 1);  // without the hour
}

// What re-ranking moved says so first, and adds nothing to the score.
TEST_F(Explain, ReasonsOfAVariedAnswerAddUp) {
  Item fresh = FakeShop::Row("fresh");
  fresh.valid_from = {shop.now.value - kMicrosPerDay};
  shop.Change(fresh);
  serve::Scene scene = *shop.scenes.Find("home").value();
  scene.diversity.strength = 0.7;
  scene.exposure = {.share = 0.25, .days = 7};
  scene.rules = {{.name = "push", .when = {.items = {"item1"}}, .add = 1}};
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  for (const char* language : {"en", "zh"}) {
    auto request = Ask();
    request.n = 6;  // the fourth place is kept; what follows is less like what stands above
    request.language = language;
    const auto response = Get(request);
    ASSERT_EQ(response.items.size(), 6U);
    ExpectReasonsAddUp(response.items);
    int moved = 0;
    for (const RecommendedItem& item : response.items) {
      for (const Reason& reason : item.reasons) {
        moved += reason.kind == ReasonKind::kDiversity ? 1 : 0;
        if (reason.kind == ReasonKind::kExposure) {  // others made room
          EXPECT_EQ(reason.places < 0, item.item_id != "fresh") << item.item_id;
        }
      }
    }
    EXPECT_GT(moved, 0);
    EXPECT_EQ(response.items[3].item_id, "fresh");
    EXPECT_EQ(response.items[3].reasons.size(), 1U);
    const auto later = Later(response.request_id, language);
    ASSERT_TRUE(later.ok()) << later.status().ToString();
    ExpectReasonsAddUp(later->items);
    EXPECT_EQ(later->items[3].reasons.front().kind, ReasonKind::kExposure);
    EXPECT_EQ(later->items[3].reasons.front().text, response.items[3].reasons.front().text);
  }
}

// Asked again with places of the history removed, for the shown candidates alone.
TEST_F(Explain, ReasonsOfARankerAddUp) {
  shop.make["ctr:1"] = [this] {
    return serve::FakeRanker("ctr", shop.names,
                             [](std::span<const std::int64_t> history, std::int64_t item) {
                               double near = 0.01 * static_cast<double>(item);
                               double present = 1;
                               for (const std::int64_t place : history) {
                                 present += place >= kFirstItem ? 1 : 0;
                                 near += place == item ? 1 : 0;
                               }
                               return static_cast<float>(near / present);
                             });
  };
  ASSERT_TRUE(shop.Serve("ctr:1", "ranker").ok());
  serve::Scene scene = *shop.scenes.Find("home").value();
  scene.ranker = "ranker";
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  const auto response = Get(Ask());
  EXPECT_EQ(response.model, "ctr:1");
  EXPECT_EQ(response.items[0].item_id, "item8");
  ExpectReasonsAddUp(response.items);
  EXPECT_EQ(response.items[0].reasons[0].item_id, "item8");
  EXPECT_NEAR(response.items[0].reasons.back().contribution, 0.1, 1e-6);  // without any history
  const auto later = Later(response.request_id);
  ASSERT_TRUE(later.ok()) << later.status().ToString();
  EXPECT_TRUE(later->same);
  ExpectReasonsAddUp(later->items);
}

// A server of others is asked once; what it said is one part.
TEST_F(Explain, TheScoreOfAnotherServerIsOnePart) {
  serve::OutsideRankers outside;
  ASSERT_TRUE(
      outside
          .Add("ctr",
               serve::FakeRanker("ctr", shop.names,
                                 [](auto, std::int64_t item) { return static_cast<float>(item); }),
               shop.log, shop.items)
          .ok());
  const auto ranker = outside.Find("remote:ctr");
  const std::vector<serve::ExplainItem> parts = {
      {.index = 5,
       .model_score = 5,
       .score = 6,
       .added = {{.kind = ReasonKind::kRule, .rule = "summer", .contribution = 1}}}};
  std::vector<RecommendedItem> items = {{.item_id = "item3", .score = 6, .source = "model:ctr"}};
  ASSERT_TRUE(
      shop.explainer->Explain({.model = ranker.get(), .language = "en"}, parts, items).ok());
  ExpectReasonsAddUp(items);
  ASSERT_EQ(items[0].reasons.size(), 2U);
  EXPECT_EQ(items[0].reasons[0].kind, ReasonKind::kOutside);
  EXPECT_EQ(items[0].reasons[0].contribution, 5);
}

TEST_F(Explain, SaysHowTheReasonsWereMade) {
  auto response = Get(Ask());
  EXPECT_EQ(response.explained.method, "additive");
  EXPECT_EQ(response.explained.scored, 5U);  // three places, all of them, none of them
  EXPECT_LT(response.explained.residual, 1e-6);
  ASSERT_TRUE(shop.Serve("attentive:1").ok());
  response = Get(Ask());
  EXPECT_EQ(response.explained.method, "subsets");
  EXPECT_LT(response.explained.residual, 1e-6);
  auto request = Ask();
  request.user_id = "nobody";
  EXPECT_TRUE(Get(request).explained.method.empty());
}

// What is asked about shares the runs, and its parts add up to the score it would have had.
TEST_F(Explain, AnAbsentItemHasReasonsAndWords) {
  PutRules({{.name = "low", .when = {.items = {"item3"}}, .factor = 0.1}});
  auto request = Ask();
  request.absent.items = {"item3", "item0"};
  request.language = "zh";
  const auto response = Get(request);
  EXPECT_EQ(response.explained.scored, 5U);
  ASSERT_EQ(response.absent.items.size(), 2U);
  for (const serve::Absence& absence : response.absent.items) {
    double sum = 0;
    for (const Reason& reason : absence.reasons) {
      sum += reason.contribution;
    }
    EXPECT_NEAR(sum, absence.score.value_or(-1), 1e-9);
    ASSERT_EQ(absence.why.size(), 1U);
    EXPECT_FALSE(absence.why[0].text.empty());
  }
  EXPECT_EQ(response.absent.items[1].why[0].text, "其他商品得分更高");
  EXPECT_EQ(response.absent.items[0].reasons[0].kind == ReasonKind::kRule ||
                response.absent.items[0].reasons[1].kind == ReasonKind::kRule,
            true);
}

TEST_F(Explain, WordsAreInTheRequestsLanguage) {
  auto request = Ask();
  request.language = "zh";
  const auto response = Get(request);
  EXPECT_EQ(response.items[0].reasons[1].text, "因为你购买了 Green Tea");
}

TEST_F(Explain, BoostsAndPinsArePartsOfTheirOwn) {
  PutRules({{.name = "summer",
             .kind = serve::RuleKind::kBoost,
             .when = {.brands = {"B"}},
             .add = 0.5,
             .factor = 2},
            {.name = "more",
             .kind = serve::RuleKind::kBoost,
             .when = {.items = {"item7"}},
             .add = -0.25},
            {.name = "first",
             .kind = serve::RuleKind::kPin,
             .when = {.items = {"item0"}},
             .position = 0}});
  const auto response = Get(Ask());
  ExpectReasonsAddUp(response.items);
  EXPECT_EQ(response.items[0].item_id, "item0");
  EXPECT_EQ(response.items[0].reasons[0].text, "Placed here by the shop's rule \"first\"");
  // item7: 2 * 1/2 + 1/4 = 1.25 by the model, then 0.5 + 1.25, then -0.25.
  EXPECT_EQ(response.items[2].item_id, "item7");
  EXPECT_DOUBLE_EQ(response.items[2].score, 2.75);
  EXPECT_EQ(response.items[2].source, "rule:summer+more");
  EXPECT_EQ(response.items[2].reasons[0].rule, "summer");
  EXPECT_DOUBLE_EQ(response.items[2].reasons[0].contribution, 1.75);
}

TEST_F(Explain, TheSameReasonsComeByRequestIdAfterwards) {
  PutRules(
      {{.name = "summer", .kind = serve::RuleKind::kBoost, .when = {.brands = {"B"}}, .add = 0.5}});
  const auto response = Get(Ask());
  shop.log.SetUser("ann", {{"item0", EventType::kPurchase}});  // the user has moved on
  const auto later = Later(response.request_id);
  ASSERT_TRUE(later.ok()) << later.status().ToString();
  EXPECT_TRUE(later->same);
  ASSERT_EQ(later->items.size(), response.items.size());
  ExpectReasonsAddUp(later->items);
  for (std::size_t i = 0; i < response.items.size(); ++i) {
    EXPECT_EQ(later->items[i].item_id, response.items[i].item_id);
    EXPECT_EQ(later->items[i].score, response.items[i].score);
    ASSERT_EQ(later->items[i].reasons.size(), response.items[i].reasons.size());
    for (std::size_t r = 0; r < response.items[i].reasons.size(); ++r) {
      EXPECT_EQ(later->items[i].reasons[r].text, response.items[i].reasons[r].text);
      EXPECT_NEAR(later->items[i].reasons[r].contribution,
                  response.items[i].reasons[r].contribution, 1e-12);
    }
  }
  EXPECT_EQ(Later(response.request_id, "fr").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Later("req_none").status().code(), Code::kNotFound);
}

TEST_F(Explain, AFallbackSaysThatItIsPopularity) {
  auto request = Ask();
  request.user_id = "nobody";
  const auto response = Get(request);
  ExpectReasonsAddUp(response.items);
  EXPECT_EQ(response.items[0].reasons[0].text, "Popular in this shop");
  const auto later = Later(response.request_id, "zh");
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(later->items[0].reasons[0].text, "本店热门");
}

TEST_F(Explain, SimilarItemsAreExplainedByTheItem) {
  serve::SimilarRequest request;
  request.item_id = "item4";
  request.n = 2;
  request.explain = true;
  const auto response = shop.recommender->Similar(request);
  ASSERT_TRUE(response.ok());
  ExpectReasonsAddUp(response->items);
  EXPECT_EQ(response->items[0].reasons[0].text, "Goes with Green Tea");
}

TEST_F(Explain, ASearchSaysWhatItMatched) {
  Impression impression;
  impression.request_id = "req_search";
  impression.route = "search";
  impression.query = "green tea";
  impression.items = {{.item_id = "item4", .score = 7.5, .source = "search:bm25"}};
  ASSERT_TRUE(shop.log.AppendImpression(impression).ok());
  const auto later = Later("req_search");
  ASSERT_TRUE(later.ok()) << later.status().ToString();
  ExpectReasonsAddUp(later->items);
  EXPECT_EQ(later->items[0].reasons[0].text, "Matches your search \"green tea\"");
}

TEST_F(Explain, ABidIsAPart) {
  serve::RankRequest rank;
  rank.request = Ask();
  rank.request.n = 0;
  rank.candidates = {{.item_id = "item7", .bid = 3}, {.item_id = "item1", .bid = 1}};
  const auto response = shop.recommender->Rank(rank);
  ASSERT_TRUE(response.ok());
  ExpectReasonsAddUp(response->items);
  const auto later = Later(response->request_id);
  ASSERT_TRUE(later.ok());
  ExpectReasonsAddUp(later->items);
}

}  // namespace
}  // namespace vitrine::explain
