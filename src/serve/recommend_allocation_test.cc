// A warm Recommender answers without asking for memory. A program of its own, because it replaces operator
// new.

#include <gtest/gtest.h>

#include "core/allocations_testing.h"
#include "serve/fake_shop.h"
#include "serve/traffic.h"

namespace vitrine::serve {
namespace {

class SilentObserver final : public ServeObserver {
 public:
  void OnServed(const ServedRun&) override {}
  void OnImpression(const Impression&, bool) override {}
  void OnDegraded(std::string_view, std::string_view) override {}
  void OnModelFailure(const ServedModel&, std::string_view) override {}
};

class RecommendAllocation : public testing::Test {
 protected:
  RecommendAllocation() {
    for (std::string& name : shop.names) {
      name += " with an id of more than sixteen letters";
    }
    EXPECT_TRUE(shop.Serve("near:1").ok());
    shop.AddCatalogue();
    shop.log.keeps_impressions = false;  // what a log keeps is memory by intent
    shop.log.SetUser(kUser, {{shop.names[4], EventType::kView},
                             {shop.names[6], EventType::kPurchase},
                             {shop.names[7], EventType::kHide}});
  }

  /// Of 100 answers, after as many that warm up.
  template <typename Ask>
  std::size_t Allocations(const Ask& ask) {
    const auto recommender =
        std::make_unique<Recommender>(RecommenderParts{.log = &shop.log,
                                                       .models = &shop.models,
                                                       .scenes = &shop.scenes,
                                                       .items = &shop.items,
                                                       .trending = &shop.trending,
                                                       .observer = &observer,
                                                       .traffic = &traffic,
                                                       .now = [this] { return shop.now; },
                                                       .metrics = &shop.metrics,
                                                       .lists = {.bytes = lists}});
    RecommendResponse response;
    bool ok = true;
    std::size_t before = 0;
    for (int i = 0; i < 200; ++i) {
      if (i == 100) {
        before = allocations;
      }
      ok = ok && ask(*recommender, response).ok() && response.items.size() == kItems;
    }
    const std::size_t made = allocations - before;
    EXPECT_TRUE(ok);
    return made;
  }

  static constexpr std::size_t kItems = 8;
  inline static const std::string kUser = "a user with an id of more than sixteen letters";
  FakeShop shop{20};
  SilentObserver observer;
  Traffic traffic;
  std::size_t lists = std::size_t{1} << 20;
};

TEST_F(RecommendAllocation, NoneForAKnownUser) {
  RecommendRequest request;
  request.user_id = kUser;
  request.n = kItems;
  request.filter.exclude = {shop.names[2]};
  EXPECT_EQ(Allocations([&](const Recommender& recommender, RecommendResponse& response) {
              return recommender.Recommend(request, response);
            }),
            0U);
}

TEST_F(RecommendAllocation, NoneInTheArmsOfARollout) {
  RecommendRequest request;
  request.user_id = kUser;
  request.n = kItems;
  for (const double share : {1e-9, 1.0}) {
    traffic.Publish({{.rollout = "rollout-000001",
                      .salt = "a salt of more than sixteen letters",
                      .share = share,
                      .candidate = shop.models.FindModel("near:1")}});
    EXPECT_EQ(Allocations([&](const Recommender& recommender, RecommendResponse& response) {
                return recommender.Recommend(request, response);
              }),
              0U)
        << share;
  }
}

TEST_F(RecommendAllocation, NoneForVarietyAndPlacesForNewItems) {
  Item row = FakeShop::Row("an item that no model knows, with an id of some length");
  row.valid_from = {shop.now.value - kMicrosPerDay};
  shop.Change(row);
  Scene scene = *shop.scenes.Find("home").value();
  scene.exposure = {.share = 0.3, .days = 7};
  scene.spacing.max_per_brand = 7;
  RecommendRequest request;
  request.user_id = kUser;
  request.n = kItems;
  for (const DiversityMethod method : {DiversityMethod::kMmr, DiversityMethod::kDpp}) {
    scene.diversity = {.method = method, .strength = 0.5};
    ASSERT_TRUE(shop.scenes.Put(scene).ok());
    EXPECT_EQ(Allocations([&](const Recommender& recommender, RecommendResponse& response) {
                return recommender.Recommend(request, response);
              }),
              0U);
  }
}

TEST_F(RecommendAllocation, NoneForAGivenHistory) {
  RecommendRequest request;
  request.n = kItems;
  request.history.emplace();
  for (int i = 0; i < 6; ++i) {
    request.history->push_back({.item_id = shop.names[static_cast<std::size_t>(i)],
                                .ts = {i},
                                .type = EventType::kPurchase,
                                .basket = 0});
  }
  EXPECT_EQ(Allocations([&](const Recommender& recommender, RecommendResponse& response) {
              return recommender.Recommend(request, response);
            }),
            0U);
}

TEST_F(RecommendAllocation, NoneForPopularItemsReadyOrNot) {
  RecommendRequest request;
  request.n = kItems;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1} << 20}) {
    lists = bytes;
    EXPECT_EQ(Allocations([&](const Recommender& recommender, RecommendResponse& response) {
                return recommender.Recommend(request, response);
              }),
              0U)
        << bytes;
  }
}

TEST_F(RecommendAllocation, NoneForSimilarItems) {
  SimilarRequest request;
  request.item_id = shop.names[5];
  request.n = kItems;
  EXPECT_EQ(Allocations([&](const Recommender& recommender, RecommendResponse& response) {
              return recommender.Similar(request, response);
            }),
            0U);
}

}  // namespace
}  // namespace vitrine::serve
