// A dense model answers every route as the graph of all its scores does: same items, same scores to the
// last bit, whatever filters, rules, spacing, bids and rankers do with them.
#include <gtest/gtest.h>

#include <random>

#include "serve/dense_testing.h"
#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

constexpr std::size_t kItems = 700;
constexpr int kRounds = 40;

class DenseServing : public testing::TestWithParam<int> {
 protected:
  DenseServing() : vectors_(RandomVectors(kItems, 24, GetParam())), shop_(kItems) {
    shop_.make["dense:1"] = [this] {
      return DenseParts("m", shop_.names, vectors_, /*hidden=*/false, fails_);
    };
    shop_.make["whole:1"] = [this] { return DenseParts("m", shop_.names, vectors_, true); };
    EXPECT_TRUE(shop_.Serve("dense:1", "champion").ok());
    EXPECT_TRUE(shop_.Serve("whole:1", "whole").ok());
    shop_.AddCatalogue();
    PutBoth([](Scene&) {});
  }

  /// The scene "home" of the dense model, and "whole" like it of the other.
  void PutBoth(const std::function<void(Scene&)>& change) {
    Scene scene = *shop_.scenes.Find("home").value();
    change(scene);
    ASSERT_TRUE(shop_.scenes.Put(scene).ok());
    scene.name = "whole";
    scene.retriever = "whole";
    ASSERT_TRUE(shop_.scenes.Put(scene).ok());
  }

  [[nodiscard]] std::string AnyItem() { return shop_.names[random_() % kItems]; }

  RecommendRequest Ask(std::size_t n) {
    RecommendRequest request;
    request.n = n;
    request.scene = "home";
    request.history.emplace();
    for (std::size_t i = 0; i < 1 + random_() % 6; ++i) {
      request.history->push_back({.item_id = AnyItem(), .ts = Micros{1}});
    }
    return request;
  }

  static void ExpectSame(const Result<RecommendResponse>& got,
                         const Result<RecommendResponse>& want) {
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    ASSERT_TRUE(want.ok()) << want.status().ToString();
    ASSERT_EQ(got->fallback, Fallback::kNone);
    EXPECT_EQ(IdsOf(*got), IdsOf(*want));
    EXPECT_EQ(got->rung, want->rung);
    for (std::size_t i = 0; i < std::min(got->items.size(), want->items.size()); ++i) {
      EXPECT_EQ(got->items[i].score, want->items[i].score) << i;
      EXPECT_EQ(got->items[i].source, want->items[i].source) << i;
    }
  }

  void ExpectSameAnswer(RecommendRequest request) {
    const auto got = shop_.recommender->Recommend(request);
    request.scene = "whole";
    ExpectSame(got, shop_.recommender->Recommend(request));
  }

  void ExpectSameAnswers() {
    for (int round = 0; round < kRounds; ++round) {
      RecommendRequest request = Ask(1 + random_() % 60);
      ExpectSameAnswer(request);
      request.filter.exclude_seen = true;
      for (int i = 0; i < 50; ++i) {
        request.filter.exclude.push_back(AnyItem());
      }
      ExpectSameAnswer(request);
      request.filter.where.brands = {"A"};
      request.filter.where.price_max = static_cast<double>(1 + random_() % kItems);
      ExpectSameAnswer(request);
      for (int i = 0; i < 100; ++i) {
        request.filter.include.push_back(AnyItem());
      }
      ExpectSameAnswer(request);
    }
  }

  graph::ItemVectors vectors_;
  std::shared_ptr<std::atomic<bool>> fails_ = std::make_shared<std::atomic<bool>>(false);
  FakeShop shop_;
  std::mt19937 random_{7};
};

TEST_P(DenseServing, UnderFilters) { ExpectSameAnswers(); }

TEST_P(DenseServing, WithBoostsOfFewItems) {
  PutBoth([this](Scene& scene) {
    scene.rules = {
        {.name = "few", .when = {.items = {AnyItem(), AnyItem(), "stranger"}}, .add = 20},
        {.name = "up", .when = {.price_min = 350.0, .price_max = 380.0}, .factor = 1.4},
        {.name = "down", .when = {.price_min = 370.0, .price_max = 400.0}, .factor = 0.2},
        {.name = "best", .kind = RuleKind::kPin, .when = {.price_min = 360.0}, .position = 2}};
    scene.spacing.max_per_brand = 8;
  });
  ExpectSameAnswers();
}

TEST_P(DenseServing, WithBoostsOfManyPinsAndHiddenItems) {
  PutBoth([this](Scene& scene) {
    scene.rules = {
        {.name = "odd", .when = {.brands = {"B"}}, .factor = 1.3},
        {.name = "few", .when = {.items = {AnyItem(), AnyItem(), "stranger"}}, .add = 20},
        {.name = "down", .when = {.price_min = 300.0, .price_max = 400.0}, .factor = 0.2},
        {.name = "gone", .kind = RuleKind::kHide, .when = {.price_max = 100.0}},
        {.name = "first", .kind = RuleKind::kPin, .when = {.items = {AnyItem()}}, .position = 1},
        {.name = "best", .kind = RuleKind::kPin, .when = {.brands = {"B"}}, .position = 4}};
  });
  ExpectSameAnswers();
}

TEST_P(DenseServing, WithSpacing) {
  PutBoth([](Scene& scene) { scene.spacing = {.max_per_brand = 3, .brand_gap = 1}; });
  ExpectSameAnswers();
}

// By catalogue alone: only a dense model has vectors.
TEST_P(DenseServing, WithVarietyAndPlacesForNewItems) {
  shop_.now = Micros{20'000 * kMicrosPerDay};  // earlier times are no dates of a shop
  for (std::size_t i = 0; i < kItems; i += 23) {
    Item row = FakeShop::Row(shop_.names[i]);
    row.brand = i % 2 == 0 ? "A" : "C";
    row.price = static_cast<double>(i + 1);
    row.attributes["available_from"] = FormatIso({shop_.now.value - kMicrosPerDay});
    shop_.Change(row);
  }
  shop_.Change(FakeShop::Row("stranger"));
  for (const DiversityMethod method : {DiversityMethod::kMmr, DiversityMethod::kDpp}) {
    PutBoth([this, method](Scene& scene) {
      scene.diversity = {.method = method, .strength = 0.4, .pool = 50, .vectors = 0};
      scene.exposure = {.share = 0.3, .days = 7};
      scene.rules = {{.name = "few", .when = {.items = {AnyItem(), AnyItem()}}, .add = 20}};
      scene.spacing.brand_gap = method == DiversityMethod::kMmr ? 1 : 0;
    });
    ExpectSameAnswers();
  }
}

TEST_P(DenseServing, WithARanker) {
  shop_.make["near:1"] = [this] {
    return FakeParts<double>("near", shop_.names, 5, Neighbours<double>);
  };
  ASSERT_TRUE(shop_.Serve("near:1", "ranker").ok());
  PutBoth([](Scene& scene) {
    scene.ranker = "ranker";
    scene.candidates = 100;
  });
  ExpectSameAnswers();
  EXPECT_EQ(shop_.observer.version, "near:1");
}

TEST_P(DenseServing, AsARankerOfAnother) {
  shop_.make["near:1"] = [this] {
    return FakeParts<double>("near", shop_.names, 5, Neighbours<double>);
  };
  ASSERT_TRUE(shop_.Serve("near:1", "first").ok());
  Scene scene = *shop_.scenes.Find("home").value();
  scene.retriever = "first";
  scene.ranker = "champion";
  ASSERT_TRUE(shop_.scenes.Put(scene).ok());
  scene.name = "whole";
  scene.ranker = "whole";
  ASSERT_TRUE(shop_.scenes.Put(scene).ok());
  ExpectSameAnswers();
  EXPECT_EQ(shop_.observer.version, "whole:1");
}

TEST_P(DenseServing, GivenCandidatesWithAndWithoutBids) {
  PutBoth([](Scene& scene) {
    scene.rules = {{.name = "odd", .when = {.brands = {"B"}}, .factor = 1.3}};
  });
  for (int round = 0; round < kRounds; ++round) {
    RankRequest rank{.request = Ask(0), .candidates = {}};
    for (int i = 0; i < 40; ++i) {
      const double bid = round % 2 == 0 ? 0 : 1 + static_cast<double>(random_() % 100) / 10;
      const std::string id = AnyItem();
      const bool twice = std::any_of(rank.candidates.begin(), rank.candidates.end(),
                                     [&](const Candidate& c) { return c.item_id == id; });
      if (!twice) {
        rank.candidates.push_back({.item_id = id, .bid = bid});
      }
    }
    rank.candidates.push_back({.item_id = "nowhere", .bid = round % 2 == 0 ? 0.0 : 3.0});
    const auto got = shop_.recommender->Rank(rank);
    rank.request.scene = "whole";
    ExpectSame(got, shop_.recommender->Rank(rank));
  }
}

TEST_P(DenseServing, SimilarItems) {
  for (int round = 0; round < kRounds; ++round) {
    SimilarRequest request;
    request.item_id = AnyItem();
    request.scene = "home";
    request.n = 20;
    const auto got = shop_.recommender->Similar(request);
    request.scene = "whole";
    ExpectSame(got, shop_.recommender->Similar(request));
  }
}

TEST_P(DenseServing, AnAnswerIsReplayedWithItsScores) {
  const auto response = shop_.recommender->Recommend(Ask(20));
  ASSERT_TRUE(response.ok());
  const auto replayed = shop_.recommender->Replay(response->request_id);
  ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
  EXPECT_TRUE(replayed->same);
  for (std::size_t i = 0; i < response->items.size(); ++i) {
    EXPECT_EQ(replayed->model_scores[i], response->items[i].score);
  }
}

TEST_P(DenseServing, AFailingEncoderFallsBackAsAnyModelDoes) {
  const RecommendRequest request = Ask(5);
  *fails_ = true;
  const auto response = shop_.recommender->Recommend(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->fallback, Fallback::kModelFailed);
  EXPECT_EQ(response->items.size(), 5U);
  *fails_ = false;
  ExpectSameAnswer(request);
}

INSTANTIATE_TEST_SUITE_P(ValuesAndTies, DenseServing, testing::Values(0, 2),
                         [](const auto& levels) { return levels.param == 0 ? "Values" : "Ties"; });

}  // namespace
}  // namespace vitrine::serve
