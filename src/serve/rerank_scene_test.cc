// Variety and places for new items through the whole pipeline.
#include <gtest/gtest.h>

#include "serve/dense_testing.h"
#include "serve/fake_ranker.h"
#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

using Ids = std::vector<std::string>;

constexpr Micros kToday{20'000 * kMicrosPerDay};  // times before 1990 are no dates of a shop

// Hands on what serving says of each item, so that tests can read it.
class Verbatim final : public Explainer {
 public:
  Result<Explained> Explain(const ExplainInput&, std::span<const ExplainItem> parts,
                            std::span<RecommendedItem> items) const override {
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].reasons = parts[i].added;
    }
    return Explained{};
  }
  void Word(Absences&, std::string_view) const override {}
};

// ann saw item4: item i scores 1 / (1 + |i - 4|), so 4, 3, 5, 2, 6, 1, 7, 0, 8, 9. Brands: A even, B odd.
// Categories: Low 0 to 4, High 5 to 9.
class RerankScene : public testing::Test {
 protected:
  RerankScene() : shop(10, [](const data::EventLog&) { return std::make_unique<Verbatim>(); }) {
    shop.now = kToday;
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.AddCatalogue();
    shop.log.SetUser("ann", {{"item4", EventType::kView}});
  }
  void Put(const Diversity& diversity, const Exposure& exposure = {},
           const std::function<void(Scene&)>& change = nullptr) {
    for (const char* name : {"home", "item", "article"}) {
      Scene scene = *shop.scenes.Find(name).value();
      scene.diversity = diversity;
      scene.exposure = exposure;
      if (change) {
        change(scene);
      }
      const Status status = shop.scenes.Put(scene);
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }
  static RecommendRequest Ask(std::size_t n = 3) {
    RecommendRequest request;
    request.user_id = "ann";
    request.n = n;
    return request;
  }
  RecommendResponse Get(const RecommendRequest& request) {
    auto response = shop.recommender->Recommend(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : RecommendResponse{};
  }
  Ids Shown(std::size_t n = 3) { return IdsOf(Get(Ask(n))); }
  /// Since a day ago, of brand C: unlike all others.
  void AddNew(const std::string& id) {
    Item row = FakeShop::Row(id);
    row.valid_from = {shop.now.value - kMicrosPerDay};
    row.brand = "C";
    shop.Change(row);
  }
  /// What the model knows, and the shop has had for a day.
  void MakeNew(const std::string& id) {
    Item row = FakeShop::Row(id);
    row.attributes["available_from"] = FormatIso({shop.now.value - kMicrosPerDay});
    shop.Change(row);
  }
  AbsenceCause WhyNot(const std::string& item, std::size_t n) {
    RecommendRequest request = Ask(n);
    request.explain = true;
    request.absent.items = {item};
    const RecommendResponse response = Get(request);
    EXPECT_EQ(response.absent.items.size(), 1U);
    return response.absent.items.empty() ? AbsenceCause::kShown
                                         : response.absent.items[0].why.front().cause;
  }
  FakeShop shop;
};

TEST_F(RerankScene, StrengthNoneIsTheAnswerOfBefore) {
  const Ids before = Shown(10);
  Put({.method = DiversityMethod::kDpp, .strength = 0, .pool = 3});
  EXPECT_EQ(Shown(10), before);
}

TEST_F(RerankScene, MmrBringsUpWhatIsUnlike) {
  // Of relevances 1, .4, .4: item3 shares a category with item4, item5 nothing.
  Put({.strength = 0.5});
  EXPECT_EQ(Shown(), (Ids{"item4", "item5", "item3"}));
  Put({.strength = 0.5, .brand = 0, .category = 0, .tags = 1});  // nobody has a tag
  EXPECT_EQ(Shown(), (Ids{"item4", "item3", "item5"}));
}

TEST_F(RerankScene, DppBringsUpWhatIsUnlike) {
  Put({.method = DiversityMethod::kDpp, .strength = 0.5});
  EXPECT_EQ(Shown(2), (Ids{"item4", "item5"}));
}

TEST_F(RerankScene, ThePoolBoundsHowFarDownItLooks) {
  Put({.strength = 1, .pool = 2});
  EXPECT_EQ(Shown(2), (Ids{"item4", "item3"}));
  Put({.strength = 1, .pool = 3});
  EXPECT_EQ(Shown(2), (Ids{"item4", "item5"}));
}

TEST_F(RerankScene, SaysWhatMovedAndWhy) {
  Put({.strength = 0.5});
  RecommendRequest request = Ask();
  request.explain = true;
  const RecommendResponse response = Get(request);
  ASSERT_EQ(IdsOf(response), (Ids{"item4", "item5", "item3"}));
  EXPECT_TRUE(response.items[0].reasons.empty());
  ASSERT_EQ(response.items[1].reasons.size(), 1U);
  EXPECT_EQ(response.items[1].reasons[0].kind, ReasonKind::kDiversity);
  EXPECT_EQ(response.items[1].reasons[0].places, 1);
  EXPECT_EQ(response.items[1].reasons[0].contribution, 0);
  ASSERT_EQ(response.items[2].reasons.size(), 1U);
  EXPECT_EQ(response.items[2].reasons[0].places, -1);
  EXPECT_EQ(response.items[1].score, response.items[2].score);  // scores are the model's own
  EXPECT_EQ(WhyNot("item3", 2), AbsenceCause::kTooAlike);
  EXPECT_EQ(WhyNot("item9", 2), AbsenceCause::kOutranked);
}

TEST_F(RerankScene, SpacingHoldsAndPinsComeLast) {
  Put({.strength = 0.5}, {}, [](Scene& scene) {
    scene.spacing.max_per_brand = 1;
    scene.rules = {
        {.name = "hero", .kind = RuleKind::kPin, .when = {.items = {"item9"}}, .position = 1}};
  });
  // A, then B by variety; then no third brand is there, and the hero takes its place.
  EXPECT_EQ(Shown(), (Ids{"item4", "item9", "item5"}));
}

TEST_F(RerankScene, BoostsCountBeforeVariety) {
  Put({.strength = 0.5}, {}, [](Scene& scene) {
    scene.rules = {{.name = "push", .when = {.items = {"item7"}}, .add = 5}};
  });
  // item7 is the best by far; of what is left item4 is the most relevant, and unlike it.
  EXPECT_EQ(Shown(2), (Ids{"item7", "item4"}));
}

TEST_F(RerankScene, ANewItemGetsTheLastPlaceOfItsPrefix) {
  AddNew("fresh");
  Put({}, {.share = 0.34, .days = 7});
  RecommendRequest request = Ask();
  request.explain = true;
  const RecommendResponse response = Get(request);
  ASSERT_EQ(IdsOf(response), (Ids{"item4", "item3", "fresh"}));
  EXPECT_EQ(response.items[2].source, kNewSource);
  EXPECT_EQ(response.items[2].score, 0);
  ASSERT_EQ(response.items[2].reasons.size(), 1U);
  EXPECT_EQ(response.items[2].reasons[0].kind, ReasonKind::kExposure);
  EXPECT_EQ(response.items[2].reasons[0].contribution, 0);
  EXPECT_EQ(WhyNot("item5", 3), AbsenceCause::kMadeRoom);
  EXPECT_EQ(Shown(2), (Ids{"item4", "item3"}));  // a third of two places is none
  Put({}, {.share = 0.34, .days = 1});           // it came a day ago
  EXPECT_EQ(Shown(), (Ids{"item4", "item3", "item5"}));
}

TEST_F(RerankScene, NothingOfTheLastRequestIsLeft) {
  AddNew("fresh");
  Put({}, {.share = 1, .days = 7});
  EXPECT_EQ(Shown(1), Ids{"fresh"});
  Put({.strength = 0.5}, {.share = 0, .days = 7});
  EXPECT_EQ(Shown(10).size(), 10U);
  EXPECT_EQ(Shown(11).size(), 10U);  // the model's ten
}

TEST_F(RerankScene, NewItemsWithAScoreComeFirstTheBestBeforeOthers) {
  AddNew("fresh");
  MakeNew("item9");
  MakeNew("item8");
  Put({}, {.share = 0.5, .days = 7});
  EXPECT_EQ(Shown(6), (Ids{"item4", "item8", "item3", "item9", "item5", "fresh"}));
}

TEST_F(RerankScene, FiltersAndSpacingHoldForNewItemsToo) {
  AddNew("fresh");
  AddNew("fresher");
  Put({}, {.share = 1, .days = 7}, [](Scene& scene) { scene.spacing.max_per_brand = 1; });
  EXPECT_EQ(Shown(2), (Ids{"fresh", "item4"}));  // one of brand C; none is left that may be shown
  RecommendRequest request = Ask(2);
  request.filter.exclude = {"fresh"};
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"fresher", "item4"}));
  request.filter.where.brands = {"A", "B"};
  EXPECT_EQ(IdsOf(Get(request)), (Ids{"item4", "item3"}));
}

TEST_F(RerankScene, AnItemThatWasShownOftenIsNotNew) {
  AddNew("fresh");
  Put({}, {.share = 0.34, .days = 7, .impressions = 2});
  EXPECT_EQ(Shown().back(), "fresh");
  RecommendRequest preview = Ask();
  preview.record = false;
  EXPECT_EQ(IdsOf(Get(preview)).back(), "fresh");  // nobody saw that one
  EXPECT_EQ(Shown().back(), "fresh");
  EXPECT_EQ(Shown().back(), "item5");
}

TEST_F(RerankScene, NewItemsAmongPopularOnesAndSimilarOnes) {
  AddNew("fresh");
  Put({}, {.share = 0.5, .days = 7});
  RecommendRequest nobody = Ask(2);
  nobody.user_id = "nobody";
  EXPECT_EQ(IdsOf(Get(nobody)), (Ids{"item0", "fresh"}));
  SimilarRequest similar;
  similar.item_id = "item4";
  similar.n = 2;
  EXPECT_EQ(IdsOf(*shop.recommender->Similar(similar)), (Ids{"item3", "fresh"}));
}

TEST_F(RerankScene, GivenCandidatesAreVariedAndNewOnesLifted) {
  AddNew("fresh");
  RankRequest rank;
  rank.request.user_id = "ann";
  for (const char* id : {"fresh", "nowhere", "item4", "item3", "item5"}) {
    rank.candidates.push_back({.item_id = id});
  }
  rank.request.filter.exclude_unknown = false;
  Put({}, {});
  EXPECT_EQ(IdsOf(*shop.recommender->Rank(rank)),
            (Ids{"item3", "item5", "fresh", "nowhere"}));  // article leaves out what was seen
  Put({.strength = 0.5}, {}, [](Scene& scene) { scene.filters.exclude_seen = false; });
  EXPECT_EQ(IdsOf(*shop.recommender->Rank(rank)),
            (Ids{"item4", "item5", "item3", "fresh", "nowhere"}));
  Put({}, {.share = 0.5, .days = 7});
  EXPECT_EQ(IdsOf(*shop.recommender->Rank(rank)),
            (Ids{"item4", "fresh", "item3", "item5", "nowhere"}));
}

TEST_F(RerankScene, ARankerScoresNewItemsBesideItsCandidates) {
  MakeNew("item9");
  shop.make["ctr:1"] = [this] {
    return FakeRanker("ctr", shop.names,
                      [](auto, std::int64_t item) { return static_cast<float>(item); });
  };
  ASSERT_TRUE(shop.Serve("ctr:1", "ranker").ok());
  Put({}, {.share = 0.5, .days = 7}, [](Scene& scene) {
    scene.ranker = "ranker";
    scene.n_default = scene.n_max = scene.candidates = 3;  // 4, 3, 5
  });
  const RecommendResponse response = Get(Ask(3));
  EXPECT_EQ(IdsOf(response), (Ids{"item9", "item5", "item4"}));  // it is the ranker's best
  EXPECT_EQ(response.items[0].score, 11);
}

TEST_F(RerankScene, AFailingModelsAnswerIsVariedToo) {
  shop.desired.aliases.erase("champion");
  shop.models.SetDesired(shop.desired);
  ASSERT_TRUE(shop.models.WaitUntilReached(After(std::chrono::seconds(10))).ok());
  AddNew("fresh");
  Put({.strength = 0.5}, {.share = 0.34, .days = 7});
  const RecommendResponse response = Get(Ask(3));
  EXPECT_EQ(response.rung, Rung::kPopular);
  ASSERT_EQ(response.items.size(), 3U);
  EXPECT_NE(std::find_if(response.items.begin(), response.items.end(),
                         [](const auto& item) { return item.item_id == "fresh"; }),
            response.items.end());
}

TEST_F(RerankScene, AKeptAnswerReplaysAndIsExamined) {
  AddNew("fresh");
  Put({.strength = 0.5}, {.share = 0.34, .days = 7});
  const RecommendResponse response = Get(Ask(3));
  const auto replayed = shop.recommender->Replay(response.request_id);
  ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
  EXPECT_TRUE(replayed->same);
  const auto examined = shop.recommender->Examine(response.request_id, {.items = {"item2"}}, "en");
  ASSERT_TRUE(examined.ok());
  EXPECT_TRUE(examined->same);
}

TEST_F(RerankScene, ItemVectorsOfADenseVersionCount) {
  // Items 0 and 1 point one way, 2 another; the query likes 0 most, then 1, then 2.
  graph::ItemVectors vectors{.rows = 5,
                             .width = 2,
                             .bias = false,
                             .values = {0, 0, 0, 0,  //
                                        3, 0, 2, 0, 0.1F, 1}};
  FakeShop dense(3);
  dense.make["dense:1"] = [&] { return DenseParts("m", dense.names, vectors, false); };
  ASSERT_TRUE(dense.Serve("dense:1").ok());
  Scene scene = *dense.scenes.Find("home").value();
  scene.diversity = {.strength = 0.6};
  ASSERT_TRUE(dense.scenes.Put(scene).ok());
  RecommendRequest request;
  request.history.emplace().push_back({.item_id = "item0", .ts = Micros{1}});
  request.n = 2;
  EXPECT_EQ(IdsOf(*dense.recommender->Recommend(request)), (Ids{"item0", "item2"}));
  scene.diversity.vectors = 0;
  scene.diversity.brand = 1;
  ASSERT_TRUE(dense.scenes.Put(scene).ok());
  EXPECT_EQ(IdsOf(*dense.recommender->Recommend(request)), (Ids{"item0", "item1"}));
}

}  // namespace
}  // namespace vitrine::serve
