// Why an item is not in an answer. Counterfactuals are the oracle: what is named is taken away, and the item is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "serve/fake_ranker.h"
#include "serve/fake_shop.h"
#include "serve/random_shop.h"

namespace vitrine::serve {
namespace {

// The whole score is one part.
class OnePart final : public Explainer {
 public:
  Result<Explained> Explain(const ExplainInput&, std::span<const ExplainItem> parts,
                            std::span<RecommendedItem> items) const override {
    for (std::size_t i = 0; i < items.size(); ++i) {
      Reason whole;
      whole.contribution = parts[i].score;
      items[i].reasons = {whole};
    }
    return Explained{.method = "subsets"};
  }
  void Word(Absences& absences, std::string_view language) const override {
    for (Absence& absence : absences.items) {
      absence.why.front().text = language;
    }
  }
};

class AbsenceTest : public testing::Test {
 protected:
  AbsenceTest() : shop(10, [](const data::EventLog&) { return std::make_unique<OnePart>(); }) {
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.AddCatalogue();
    shop.log.SetUser("ann", {{"item4", EventType::kView}});
  }
  RecommendRequest Ask(const std::vector<std::string>& items, std::size_t n = 3) {
    RecommendRequest request;
    request.user_id = "ann";
    request.n = n;
    request.explain = true;
    request.absent.items = items;
    return request;
  }
  RecommendResponse Get(const RecommendRequest& request) {
    auto response = shop.recommender->Recommend(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *response : RecommendResponse{};
  }
  Absence WhyNot(const std::string& item, RequestFilter filter = {}) {
    RecommendRequest request = Ask({item});
    request.filter = std::move(filter);
    const RecommendResponse response = Get(request);
    EXPECT_EQ(response.absent.items.size(), 1U);
    return response.absent.items.empty() ? Absence{} : response.absent.items.front();
  }
  void Put(std::vector<Rule> rules, Spacing spacing = {}) {
    Scene scene = *shop.scenes.Find("home").value();
    scene.rules = std::move(rules);
    scene.spacing = spacing;
    ASSERT_TRUE(shop.scenes.Put(scene).ok());
  }
  static std::vector<AbsenceCause> CausesOf(const Absence& absence) {
    std::vector<AbsenceCause> causes;
    for (const AbsenceReason& why : absence.why) {
      causes.push_back(why.cause);
    }
    return causes;
  }
  FakeShop shop;
};

using Causes = std::vector<AbsenceCause>;

// ann saw item4: item i scores 1 / (1 + |i - 4|), so 4, 3, 5, 2, 6, 1, 7, 0, 8, 9.
TEST_F(AbsenceTest, NamesRankScoreAndGapOfWhatIsOutranked) {
  const RecommendResponse response = Get(Ask({"item6", "item9", "item3"}));
  EXPECT_EQ(IdsOf(response), (std::vector<std::string>{"item4", "item3", "item5"}));
  ASSERT_EQ(response.absent.items.size(), 3U);
  const Absence& six = response.absent.items[0];
  EXPECT_EQ(CausesOf(six), Causes{AbsenceCause::kOutranked});
  EXPECT_EQ(six.rank, 5U);
  EXPECT_EQ(six.model_rank, 5U);
  EXPECT_DOUBLE_EQ(six.score.value_or(0), 1.0 / 3);
  EXPECT_DOUBLE_EQ(six.gap.value_or(0), 0.5 - 1.0 / 3);
  ASSERT_EQ(six.reasons.size(), 1U);
  EXPECT_DOUBLE_EQ(six.reasons[0].contribution, 1.0 / 3);
  EXPECT_EQ(six.why[0].text, "en");
  EXPECT_EQ(response.absent.items[1].rank, 10U);
  EXPECT_EQ(CausesOf(response.absent.items[2]), Causes{AbsenceCause::kShown});
  EXPECT_TRUE(response.absent.items[2].reasons.empty());
  EXPECT_EQ(response.items.size(), 3U);  // what is asked about does not come into the answer
}

TEST_F(AbsenceTest, NamesEveryFilterThatHolds) {
  RequestFilter filter;
  filter.exclude = {"item4"};
  EXPECT_EQ(CausesOf(WhyNot("item4", filter)), Causes{AbsenceCause::kExcluded});
  filter.exclude_seen = true;
  EXPECT_EQ(CausesOf(WhyNot("item4", filter)),
            (Causes{AbsenceCause::kSeen, AbsenceCause::kExcluded}));
  EXPECT_EQ(CausesOf(WhyNot("item4", {.include = {"item9"}})), Causes{AbsenceCause::kNotIncluded});
  EXPECT_EQ(CausesOf(WhyNot("item4", {.where = {.brands = {"B"}}})),
            Causes{AbsenceCause::kNoMatch});
  Item row = FakeShop::Row("item4");
  row.stock = 0;
  shop.Change(row);
  EXPECT_EQ(CausesOf(WhyNot("item4")), Causes{AbsenceCause::kOutOfStock});
  row.hidden = true;
  shop.Change(row);
  EXPECT_EQ(CausesOf(WhyNot("item4")), (Causes{AbsenceCause::kDown, AbsenceCause::kOutOfStock}));
}

TEST_F(AbsenceTest, NamesTheUsersOwnDoing) {
  shop.log.SetUser("ann", {{"item4", EventType::kPurchase}, {"item3", EventType::kHide}});
  EXPECT_EQ(CausesOf(WhyNot("item4")), Causes{AbsenceCause::kBought});
  EXPECT_EQ(WhyNot("item4").model_rank, 1U);
  EXPECT_LT(WhyNot("item4").gap.value_or(1), 0);  // it would stand above the last one
  EXPECT_EQ(CausesOf(WhyNot("item3")), Causes{AbsenceCause::kHiddenByUser});
}

TEST_F(AbsenceTest, NamesTheRuleThatHidesLowersRaisesOrPins) {
  Put({{.name = "gone", .kind = RuleKind::kHide, .when = {.items = {"item4"}}}});
  EXPECT_EQ(CausesOf(WhyNot("item4")), Causes{AbsenceCause::kHiddenByRule});
  EXPECT_EQ(WhyNot("item4").why[0].rule, "gone");
  Put({{.name = "down", .when = {.items = {"item4"}}, .factor = 0.1}});
  EXPECT_EQ(CausesOf(WhyNot("item4")), Causes{AbsenceCause::kMovedByRules});
  EXPECT_EQ(WhyNot("item4").why[0].rule, "down");
  EXPECT_EQ(WhyNot("item4").model_rank, 1U);
  EXPECT_EQ(WhyNot("item4").rank, 10U);
  Put({{.name = "up", .when = {.items = {"item9"}}, .add = 5}});
  EXPECT_EQ(CausesOf(WhyNot("item5")), Causes{AbsenceCause::kMovedByRules});
  EXPECT_EQ(WhyNot("item5").why[0].rule, "up");
  EXPECT_EQ(CausesOf(WhyNot("item2")), Causes{AbsenceCause::kOutranked});
  Put({{.name = "first", .kind = RuleKind::kPin, .when = {.items = {"item9"}}}});
  EXPECT_EQ(CausesOf(WhyNot("item5")), Causes{AbsenceCause::kPinned});
  EXPECT_EQ(WhyNot("item5").why[0].rule, "first");
}

// Brands: A even, B odd. Categories: Low 0 to 4, High 5 to 9.
TEST_F(AbsenceTest, NamesTheLimitThatWasUsedUp) {
  Put({}, {.max_per_brand = 1});
  EXPECT_EQ(IdsOf(Get(Ask({}, 2))), (std::vector<std::string>{"item4", "item3"}));
  RecommendRequest request = Ask({"item5", "item2"}, 4);
  Put({}, {.max_per_category = 2});
  request.n = 3;
  request.absent.items = {"item2"};
  EXPECT_EQ(IdsOf(Get(request)), (std::vector<std::string>{"item4", "item3", "item5"}));
  Put({}, {.max_per_category = 1});
  request.n = 2;
  request.absent.items = {"item3"};
  EXPECT_EQ(CausesOf(Get(request).absent.items[0]), Causes{AbsenceCause::kCategoryLimit});
  Put({}, {.max_per_brand = 1});
  shop.log.SetUser("ann", {{"item4", EventType::kView}, {"item6", EventType::kView}});
  request.absent.items = {"item6"};  // 4 and 6 are the best two, of one brand
  EXPECT_EQ(CausesOf(Get(request).absent.items[0]), Causes{AbsenceCause::kBrandLimit});
  Put({}, {.brand_gap = 1});
  EXPECT_EQ(CausesOf(Get(request).absent.items[0]), Causes{AbsenceCause::kBrandGap});
}

TEST_F(AbsenceTest, AnItemThatNoModelKnowsSaysSo) {
  shop.Change(FakeShop::Row("new"));
  const Absence absence = WhyNot("new");
  EXPECT_EQ(CausesOf(absence), Causes{AbsenceCause::kNotInModel});
  EXPECT_EQ(absence.rank, 0U);
  EXPECT_FALSE(absence.score.has_value());
  EXPECT_TRUE(absence.reasons.empty());
}

TEST_F(AbsenceTest, NamesWhatWouldHaveRankedAndWasRemoved) {
  RecommendRequest request = Ask({});
  request.absent.removed = 5;
  EXPECT_TRUE(Get(request).absent.removed.empty());
  EXPECT_TRUE(Get(request).absent.listed);
  request.filter.exclude = {"item4", "item5", "item9"};
  const RecommendResponse response = Get(request);
  ASSERT_EQ(response.absent.removed.size(), 2U);  // item9 would not have been among the first three
  EXPECT_EQ(response.absent.removed[0].item_id, "item4");
  EXPECT_EQ(response.absent.removed[1].item_id, "item5");
  request.absent.removed = 1;
  EXPECT_EQ(Get(request).absent.removed.size(), 1U);
}

// Without a ranker the retriever's order counts; with one, what did not come before it is named.
TEST_F(AbsenceTest, ARankersCandidatesAreNamed) {
  shop.make["ctr:1"] = [this] {
    return FakeRanker("ctr", shop.names,
                      [](auto, std::int64_t item) { return static_cast<float>(item); });
  };
  ASSERT_TRUE(shop.Serve("ctr:1", "ranker").ok());
  Scene scene = *shop.scenes.Find("home").value();
  scene.ranker = "ranker";
  scene.n_default = scene.n_max = 5;
  scene.candidates = 5;  // 4, 3, 5, 2, 6; the ranker likes high numbers
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  RecommendRequest request = Ask({"item9", "item3", "item6"}, 2);
  request.filter.exclude = {"item6"};  // so that item1 is a candidate
  request.absent.removed = 10;
  const RecommendResponse response = Get(request);
  EXPECT_EQ(IdsOf(response), (std::vector<std::string>{"item5", "item4"}));
  const Absence& nine = response.absent.items[0];
  EXPECT_EQ(CausesOf(nine), Causes{AbsenceCause::kNotCandidate});
  EXPECT_EQ(nine.retriever_rank, 10U);
  EXPECT_DOUBLE_EQ(nine.score.value_or(0), 11);  // what the ranker would have said
  EXPECT_EQ(CausesOf(response.absent.items[1]), Causes{AbsenceCause::kOutranked});
  EXPECT_EQ(CausesOf(response.absent.items[2]), Causes{AbsenceCause::kExcluded});
  ASSERT_EQ(response.absent.removed.size(), 2U);  // by the ranker: item9, item6, ...
  EXPECT_EQ(response.absent.removed[0].item_id, "item9");
  EXPECT_EQ(response.absent.removed[1].item_id, "item6");
}

TEST_F(AbsenceTest, OfGivenCandidatesTheOthersAreNamed) {
  RankRequest rank;
  rank.request = Ask({"item9", "item4"});
  rank.request.n = 1;
  rank.request.filter.exclude = {"item4"};
  rank.request.absent.removed = 5;
  rank.candidates = {{.item_id = "item9"}, {.item_id = "item4"}, {.item_id = "item3"}};
  const auto response = shop.recommender->Rank(rank);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(IdsOf(*response), std::vector<std::string>{"item3"});
  EXPECT_EQ(CausesOf(response->absent.items[0]), Causes{AbsenceCause::kOutranked});
  EXPECT_EQ(response->absent.items[0].rank, 3U);
  EXPECT_EQ(CausesOf(response->absent.items[1]),
            (Causes{AbsenceCause::kSeen, AbsenceCause::kExcluded}));
  ASSERT_EQ(response->absent.removed.size(), 1U);
  EXPECT_EQ(response->absent.removed[0].item_id, "item4");
  rank.request.absent.items = {"item7"};
  EXPECT_EQ(shop.recommender->Rank(rank).status().code(), Code::kInvalidArgument);
}

TEST_F(AbsenceTest, WhatIsLikeAnItemLeavesTheItemOut) {
  SimilarRequest similar;
  similar.item_id = "item4";
  similar.n = 2;
  similar.explain = true;
  similar.absent.items = {"item4"};
  const auto response = shop.recommender->Similar(similar);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(CausesOf(response->absent.items[0]), Causes{AbsenceCause::kAskedAbout});
}

TEST_F(AbsenceTest, BadQuestionsAreRefused) {
  const auto code = [this](const RecommendRequest& request) {
    return shop.recommender->Recommend(request).status().code();
  };
  EXPECT_EQ(code(Ask({"nothing-like-it"})), Code::kNotFound);
  EXPECT_EQ(code(Ask(std::vector<std::string>(kMostWhyNot + 1, "item1"))), Code::kInvalidArgument);
  RecommendRequest request = Ask({});
  request.absent.removed = kMostRemoved + 1;
  EXPECT_EQ(code(request), Code::kInvalidArgument);
  request = Ask({"item1"});
  request.explain = false;
  EXPECT_EQ(code(request), Code::kInvalidArgument);
}

TEST_F(AbsenceTest, AKeptAnswerIsExaminedWithTheHistoryItHad) {
  const RecommendResponse response = Get(Ask({}));
  shop.log.SetUser("ann", {{"item9", EventType::kView}});  // ann has moved on
  const auto examined =
      shop.recommender->Examine(response.request_id, {.items = {"item6"}, .removed = 0}, "zh");
  ASSERT_TRUE(examined.ok()) << examined.status().ToString();
  EXPECT_TRUE(examined->same);
  ASSERT_EQ(examined->absent.items.size(), 1U);
  EXPECT_EQ(examined->absent.items[0].rank, 5U);
  EXPECT_EQ(examined->absent.items[0].why[0].text, "zh");
  Item row = FakeShop::Row("item3");
  row.hidden = true;
  shop.Change(row);  // the shop has too
  const auto later = shop.recommender->Examine(response.request_id, {.items = {"item3"}}, "en");
  ASSERT_TRUE(later.ok());
  EXPECT_FALSE(later->same);
  EXPECT_EQ(CausesOf(later->absent.items[0]), Causes{AbsenceCause::kDown});
  EXPECT_EQ(shop.recommender->Examine("req_none", {}, "en").status().code(), Code::kNotFound);
}

TEST_F(AbsenceTest, WhatWasBoughtBeforeAKeptAnswerStaysBought) {
  shop.log.SetUser("ann", {{"item3", EventType::kPurchase}, {"item4", EventType::kView}});
  shop.now = Micros{3 * kMicrosPerSecond};
  const RecommendResponse response = Get(Ask({}));
  const auto examined = shop.recommender->Examine(response.request_id, {.items = {"item3"}}, "en");
  ASSERT_TRUE(examined.ok());
  EXPECT_TRUE(examined->same);
  EXPECT_EQ(CausesOf(examined->absent.items[0]), Causes{AbsenceCause::kBought});
}

TEST_F(AbsenceTest, AnswersWhoseCandidatesAreNotKeptAreRefused) {
  Impression impression;
  impression.request_id = "search";
  impression.route = "search";
  ASSERT_TRUE(shop.log.AppendImpression(impression).ok());
  EXPECT_EQ(shop.recommender->Examine("search", {.items = {"item1"}}, "en").status().code(),
            Code::kFailedPrecondition);
  impression.request_id = "other";
  impression.route = "external";
  ASSERT_TRUE(shop.log.AppendImpression(impression).ok());
  EXPECT_EQ(shop.recommender->Examine("other", {.items = {"item1"}}, "en").status().code(),
            Code::kFailedPrecondition);
}

// Whatever a merchandiser does: every item is accounted for, and what a filter is said to have taken out is what the plain
// answer to the widest question does not lack.
TEST_F(AbsenceTest, EveryItemOfARandomShopIsAccountedFor) {
  shop.make["near:2"] = [this] {
    return FakeParts<double>("near", shop.names, 3, Neighbours<double>);
  };
  for (unsigned seed = 1; seed <= 20; ++seed) {
    RandomShop random(shop, seed);
    for (int step = 0; step < 30; ++step) {
      random.Change();
      RecommendRequest request = random.AnyRequest();
      request.explain = true;
      request.absent.items = shop.names;
      request.absent.removed = kMostRemoved;
      const RecommendResponse response = Get(request);
      const auto shown = IdsOf(response);
      const std::set<std::string> in(shown.begin(), shown.end());
      const std::size_t n =
          request.n != 0 ? request.n : shop.scenes.Find(response.scene).value()->n_default;
      std::set<std::string> removed;
      for (const Absence& absence : response.absent.removed) {
        removed.insert(absence.item_id);
        EXPECT_LE(absence.model_rank, n);
      }
      ASSERT_EQ(response.absent.items.size(), shop.names.size());
      for (const Absence& absence : response.absent.items) {
        ASSERT_FALSE(absence.why.empty()) << absence.item_id;
        const bool is_shown = absence.why.front().cause == AbsenceCause::kShown;
        EXPECT_EQ(is_shown, in.contains(absence.item_id)) << absence.item_id;
        EXPECT_EQ(removed.contains(absence.item_id),
                  !is_shown && absence.model_rank != 0 && absence.model_rank <= n)
            << absence.item_id;
        if (absence.why.front().cause == AbsenceCause::kOutranked && shown.size() == n) {
          EXPECT_GT(absence.rank, 1U);
        }
      }
      // A single filter that was named: without it the item passes all filters.
      for (const Absence& absence : response.absent.items) {
        if (absence.why.size() != 1 || absence.why[0].cause != AbsenceCause::kOutOfStock) {
          continue;
        }
        RecommendRequest wider = request;
        wider.filter.exclude_out_of_stock = false;
        wider.absent.items = {absence.item_id};
        const AbsenceCause now = Get(wider).absent.items[0].why[0].cause;
        EXPECT_TRUE(now == AbsenceCause::kShown || now >= AbsenceCause::kNotInModel)
            << AbsenceCauseName(now);
      }
    }
  }
}

TEST(AbsenceCauses, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (int c = 0; c <= static_cast<int>(AbsenceCause::kOutranked); ++c) {
    names.insert(AbsenceCauseName(static_cast<AbsenceCause>(c)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(AbsenceCause::kOutranked) + 1);
}

}  // namespace
}  // namespace vitrine::serve
