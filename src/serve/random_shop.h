/// For tests: what a shop, its visitors and its merchandiser may do, drawn by a seed.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "serve/fake_shop.h"

namespace vitrine::serve {

class RandomShop {
 public:
  RandomShop(FakeShop& shop, unsigned seed) : shop_(shop), engine_(seed) {}

  std::size_t Draw(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(engine_);
  }
  bool Coin() { return Draw(2) == 0; }
  std::string AnyItem() {
    return Draw(10) == 0 ? "new" + std::to_string(Draw(6)) : shop_.names[Draw(shop_.names.size())];
  }

  void Change() {
    switch (Draw(7)) {
      case 0:
        return ChangeRow();
      case 1:
        (void)shop_.log.DeleteItem(AnyItem(), After(std::chrono::seconds(1)));
        return;
      case 2:
        return Visit();
      case 3:
        return Promote();
      case 4:
        return ChangeScene();
      case 5:
        shop_.now.value += static_cast<std::int64_t>(Draw(40)) * kMicrosPerSecond;
        return;
      default:
        shop_.log.SetUser("user" + std::to_string(Draw(3)),
                          {{AnyItem(), Coin() ? EventType::kPurchase : EventType::kHide}});
    }
  }

  RecommendRequest AnyRequest() {
    RecommendRequest request;
    request.scene = Coin() ? "home" : "cart";
    request.user_id = Coin() ? "nobody" : "user" + std::to_string(Draw(3));
    request.personalize = Draw(3) != 0;
    request.n = Draw(6);
    return request;
  }
  SimilarRequest AnySimilar() {
    SimilarRequest request;
    request.item_id = AnyItem();
    request.scene = Coin() ? "home" : "item";
    request.user_id = Coin() ? "" : "user" + std::to_string(Draw(3));
    request.n = Draw(6);
    return request;
  }

 private:
  void ChangeRow() {
    Item row = FakeShop::Row(AnyItem());
    row.valid_from.value = 10 + changes_++;
    row.hidden = Draw(4) == 0;
    row.stock = static_cast<double>(Draw(3)) - 1;
    row.brand = Coin() ? "A" : "B";
    row.categories = {Coin() ? "Low > First" : "High"};
    shop_.Change(row);
  }
  void Visit() {
    Event event;
    event.items = {{AnyItem(), -1, 1, 0}};
    event.ts = shop_.now;
    CHECK(shop_.log.AppendEvents(std::span(&event, 1), After(std::chrono::seconds(1))).ok());
  }
  void Promote() {
    switch (Draw(3)) {
      case 0:
        CHECK(shop_.Serve("near:1").ok());
        return;
      case 1:
        CHECK(shop_.Serve("near:2").ok());
        return;
      default:
        shop_.desired.aliases.erase("champion");
        shop_.models.SetDesired(shop_.desired);
        CHECK(shop_.models.WaitUntilReached(After(std::chrono::seconds(10))).ok());
    }
  }
  void ChangeScene() {
    const std::vector<std::string> names = {"home", "cart", "item"};
    Scene scene = *shop_.scenes.Find(names[Draw(names.size())]).value();
    scene.rules.clear();
    for (std::size_t r = 0; r < Draw(4); ++r) {
      Rule rule{.name = "rule" + std::to_string(r), .kind = static_cast<RuleKind>(Draw(3))};
      if (Coin()) {
        rule.when.brands = {Coin() ? "A" : "B"};
      } else {
        rule.when.items = {AnyItem(), AnyItem()};
      }
      rule.add = static_cast<double>(Draw(5)) + 0.5;
      rule.position = static_cast<int>(Draw(4));
      if (Coin()) {
        rule.from =
            Micros{shop_.now.value + (static_cast<std::int64_t>(Draw(60)) - 30) * kMicrosPerSecond};
        rule.until =
            Micros{rule.from->value + static_cast<std::int64_t>(1 + Draw(60)) * kMicrosPerSecond};
      }
      scene.rules.push_back(rule);
    }
    scene.spacing.max_per_brand = static_cast<int>(Draw(3));
    scene.diversity.method = Coin() ? DiversityMethod::kMmr : DiversityMethod::kDpp;
    scene.diversity.strength = static_cast<double>(Draw(3)) / 2;
    scene.diversity.pool = 1 + Draw(8);
    scene.exposure.share = Draw(6) == 0 ? 0.5 : 0;
    scene.exposure.days = 1 + static_cast<int>(Draw(3000));
    scene.filters.exclude_out_of_stock = Coin();
    scene.filters.exclude_seen = Coin();
    scene.filters.exclude_unknown = Coin();
    scene.fallback = Coin() ? FallbackOrder::kPopularity : FallbackOrder::kTrending;
    scene.n_default = 1 + Draw(6);
    CHECK(shop_.scenes.Put(scene).ok());
  }

  FakeShop& shop_;
  std::mt19937 engine_;
  std::int64_t changes_ = 0;
};

}  // namespace vitrine::serve
