// Rules and spacing through the whole pipeline, and the cache of what rules match.
#include <gtest/gtest.h>

#include "serve/fake_shop.h"
#include "serve/rule_matches.h"

namespace vitrine::serve {
namespace {

using Ids = std::vector<std::string>;

class Rules : public testing::Test {
 protected:
  Rules() {
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.AddCatalogue();
    shop.log.SetUser("ann", {{"item4", EventType::kView}});
  }
  void Put(std::vector<Rule> rules, Spacing spacing = {}) {
    Scene scene = *shop.scenes.Find("home").value();
    scene.rules = std::move(rules);
    scene.spacing = spacing;
    ASSERT_TRUE(shop.scenes.Put(scene).ok());
  }
  RecommendResponse Get(std::size_t n = 3, RequestFilter filter = {}) {
    RecommendRequest request;
    request.user_id = "ann";
    request.n = n;
    request.filter = std::move(filter);
    auto response = shop.recommender->Recommend(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : RecommendResponse{};
  }
  FakeShop shop;
};

TEST_F(Rules, ABoostLiftsAnItemFromAnywhere) {
  Put({{.name = "push", .when = {.items = {"item9"}}, .add = 2}});
  const RecommendResponse response = Get();
  EXPECT_EQ(IdsOf(response), (Ids{"item9", "item4", "item3"}));
  EXPECT_EQ(response.items[0].source, "rule:push");
  EXPECT_EQ(response.items[1].source, "model:near");
  EXPECT_NEAR(response.items[0].score, 2 + 1.0 / 6, 1e-12);
}

TEST_F(Rules, AFactorRaisesAndLowersByMatch) {
  Put({{.name = "odd", .when = {.brands = {"B"}}, .factor = 3},
       {.name = "high", .when = {.categories = {"High"}}, .factor = 0.1}});
  EXPECT_EQ(IdsOf(Get()), (Ids{"item3", "item4", "item1"}));
}

TEST_F(Rules, HiddenItemsAreInNoAnswerWhileTheRuleIsActive) {
  Put({{.name = "gone", .kind = RuleKind::kHide, .when = {.items = {"item4"}}, .until = shop.now}});
  EXPECT_EQ(IdsOf(Get()), (Ids{"item4", "item3", "item5"}));  // until is exclusive: over
  Put({{.name = "gone", .kind = RuleKind::kHide, .when = {.items = {"item4"}}, .from = shop.now}});
  EXPECT_EQ(IdsOf(Get()), (Ids{"item3", "item5", "item2"}));
}

TEST_F(Rules, APinTakesItsPlaceAndRespectsTheFilters) {
  Put({{.name = "first", .kind = RuleKind::kPin, .when = {.items = {"item9"}}, .position = 1}});
  const RecommendResponse response = Get();
  EXPECT_EQ(IdsOf(response), (Ids{"item4", "item9", "item3"}));
  EXPECT_EQ(response.items[1].source, "rule:first");
  EXPECT_EQ(IdsOf(Get(3, {.exclude = {"item9"}})), (Ids{"item4", "item3", "item5"}));
  Item row = FakeShop::Row("item9");
  row.hidden = true;
  shop.Change(row);
  EXPECT_EQ(IdsOf(Get()), (Ids{"item4", "item3", "item5"}));
}

TEST_F(Rules, APinOfManyTakesTheBestAndAnItemIsPlacedOnce) {
  Put({{.name = "brand", .kind = RuleKind::kPin, .when = {.brands = {"A"}}, .position = 2}});
  EXPECT_EQ(IdsOf(Get()), (Ids{"item3", "item5", "item4"}));
}

TEST_F(Rules, ANewItemCanBePinned) {
  shop.Change(FakeShop::Row("brand-new"));
  Put({{.name = "new", .kind = RuleKind::kPin, .when = {.items = {"brand-new"}}}});
  const RecommendResponse response = Get();
  EXPECT_EQ(IdsOf(response), (Ids{"brand-new", "item4", "item3"}));
  EXPECT_EQ(response.items[0].score, 0);
}

TEST_F(Rules, SpacingLimitsABrandAcrossTheWholeVocabulary) {
  Put({}, {.max_per_brand = 1});
  EXPECT_EQ(IdsOf(Get(3)), (Ids{"item4", "item3", "item5"}));  // no third brand: the next best
  Put({}, {.max_per_brand = 2});
  EXPECT_EQ(IdsOf(Get(4)), (Ids{"item4", "item3", "item5", "item2"}));
  Put({}, {.brand_gap = 1});
  EXPECT_EQ(IdsOf(Get(4)), (Ids{"item4", "item3", "item2", "item5"}));
}

TEST_F(Rules, SpacingBringsMoreUntilItFits) {
  FakeShop large(2000);
  ASSERT_TRUE(large.Serve("near:1").ok());
  std::vector<Item> rows;
  for (std::size_t i = 0; i < large.names.size(); ++i) {
    Item item = FakeShop::Row(large.names[i]);
    item.brand = i < 500 ? "crowd" : "brand" + std::to_string(i);
    rows.push_back(item);
  }
  ASSERT_TRUE(large.log.AppendItems(rows, After(std::chrono::seconds(5))).ok());
  large.log.SetUser("ann", {{"item0", EventType::kView}});
  Scene scene = *large.scenes.Find("home").value();
  scene.spacing.max_per_brand = 1;
  ASSERT_TRUE(large.scenes.Put(scene).ok());
  RecommendRequest request;
  request.user_id = "ann";
  request.n = 3;
  EXPECT_EQ(IdsOf(*large.recommender->Recommend(request)), (Ids{"item0", "item500", "item501"}));
}

TEST_F(Rules, MatchesFollowTheCatalogueAndKeepUnchangedPages) {
  const auto scene = std::make_shared<Scene>();
  scene->rules = {{.name = "a", .when = {.brands = {"A"}}},
                  {.name = "n", .when = {.items = {"item1", "stranger"}}}};
  ASSERT_TRUE(shop.log.InternItem("stranger").ok());
  RuleCache cache;
  const auto first = cache.Get(scene, shop.items.Table(), shop.log);
  EXPECT_EQ(first->Of(0).size(), 5U);
  EXPECT_EQ(first->Of(1).size(), 2U);  // a named item needs no row
  EXPECT_EQ(cache.Get(scene, shop.items.Table(), shop.log), first);
  Item row = FakeShop::Row("item1");
  row.brand = "A";
  shop.Change(row);
  const auto second = cache.Get(scene, shop.items.Table(), shop.log);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->Of(0).size(), 6U);
}

}  // namespace
}  // namespace vitrine::serve
