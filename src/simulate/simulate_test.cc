#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "simulate/shoppers.h"

namespace vitrine::simulate {
namespace {

constexpr Micros kOpened{1'700'000'000'000'000};
constexpr Micros kLater{1'700'000'000'000'000 + 30 * kMicrosPerDay};

TEST(Shop, TheSeedDecidesEverything) {
  const Shop a({.seed = 5, .products = 200, .shoppers = 50}, kOpened);
  const Shop b({.seed = 5, .products = 200, .shoppers = 50}, kOpened);
  const Shop c({.seed = 6, .products = 200, .shoppers = 50}, kOpened);
  for (std::size_t p = 0; p < 200; ++p) {
    EXPECT_EQ(a.products()[p].item, b.products()[p].item);
  }
  EXPECT_NE(a.products()[0].item, c.products()[0].item);
  Shoppers x(a, 1);
  Shoppers y(b, 1);
  EXPECT_EQ(x.Browse(500, kOpened, kLater), y.Browse(500, kOpened, kLater));
}

TEST(Shop, GoodsAreNamedInBothLanguagesAndMarkedAsSimulated) {
  const Shop shop({.seed = 1, .products = 300}, kOpened);
  std::set<std::string> ids;
  for (const Product& product : shop.products()) {
    ids.insert(product.item.id);
    EXPECT_NE(product.item.title.find(" | "), std::string::npos);
    EXPECT_EQ(std::get<bool>(product.item.attributes.at("simulated")), true);
    EXPECT_GT(product.item.price, 0);
    EXPECT_EQ(shop.Find(product.item.id), ids.size() - 1);
  }
  EXPECT_EQ(ids.size(), 300U);
  EXPECT_EQ(shop.Find("sim-99999"), 300U);
  EXPECT_EQ(shop.Find("sim-x"), 300U);
  EXPECT_EQ(shop.Find("other"), 300U);
}

TEST(Shoppers, BrowsingStaysInItsTimeAndIsInOrder) {
  const Shop shop({.seed = 1, .products = 300, .shoppers = 100}, kOpened);
  const auto events = Shoppers(shop, 2).Browse(3000, kOpened, kLater);
  ASSERT_EQ(events.size(), 3000U);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_GE(events[i].ts, kOpened);
    EXPECT_LE(events[i].ts.value, kLater.value + 60 * kMicrosPerSecond);
    EXPECT_TRUE(i == 0 || events[i - 1].ts <= events[i].ts);
    ids.insert(events[i].event_id);
  }
  EXPECT_EQ(ids.size(), events.size());
}

TEST(Shoppers, WhatTheyLookAtNextIsOftenACompanion) {
  const Shop shop({.seed = 1, .products = 1000, .shoppers = 20}, kOpened);
  Shoppers shoppers(shop, 3);
  int companions = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::size_t before = shoppers.shopper(0).last;
    const bool started = shoppers.shopper(0).started;
    const std::size_t next = shoppers.LookAtNext(0);
    const auto& of = shop.products()[before].companions;
    companions += started && std::find(of.begin(), of.end(), next) != of.end() ? 1 : 0;
  }
  EXPECT_GT(companions, 1600);
  EXPECT_LT(companions, 2600);
}

TEST(Shoppers, HigherPlacesGetMoreClicksForTheSameGoods) {
  const Shop shop({.seed = 1, .products = 300, .shoppers = 200}, kOpened);
  Shoppers shoppers(shop, 4);
  const std::vector<std::size_t> same(10, 7);
  std::map<std::size_t, int> clicks;
  for (int round = 0; round < 400; ++round) {
    for (const std::size_t place : shoppers.Click(static_cast<std::size_t>(round) % 200, same)) {
      ++clicks[place];
    }
  }
  EXPECT_GT(clicks[0], 2 * clicks[9]);
}

TEST(Shoppers, ALikedCategoryIsClickedMore) {
  const Shop shop({.seed = 1, .products = 800, .shoppers = 300}, kOpened);
  const Shoppers shoppers(shop, 5);
  double liked = 0;
  double other = 0;
  for (std::size_t s = 0; s < shoppers.size(); ++s) {
    const auto& taste = shoppers.shopper(s).taste;
    const auto best =
        static_cast<std::size_t>(std::max_element(taste.begin(), taste.end()) - taste.begin());
    const auto worst =
        static_cast<std::size_t>(std::min_element(taste.begin(), taste.end()) - taste.begin());
    liked += shoppers.ClickProbability(s, shop.InCategory(best)[0]);
    other += shoppers.ClickProbability(s, shop.InCategory(worst)[0]);
  }
  EXPECT_GT(liked, 3 * other);
}

TEST(Shoppers, AShiftTurnsTastesAndFashion) {
  const Shop shop({.seed = 1, .products = 800, .shoppers = 300}, kOpened);
  Shoppers shoppers(shop, 6);
  const auto taste = [&shop, &shoppers] {
    double sum = 0;
    for (std::size_t s = 0; s < shoppers.size(); ++s) {
      for (std::size_t c = 0; c < shop.categories() / 4; ++c) {
        sum += shoppers.shopper(s).taste[c] / static_cast<double>(shoppers.size());
      }
    }
    return sum;
  };
  const auto appeal = [&shop, &shoppers] {
    double sum = 0;
    for (std::size_t s = 0; s < 3000; ++s) {
      sum += shop.products()[shoppers.LookAtNext(s % shoppers.size())].appeal / 3000;
    }
    return sum;
  };
  const double taste_before = taste();
  const double appeal_before = appeal();
  shoppers.ShiftTastes(0.9);
  EXPECT_GT(taste(), taste_before + 0.3);
  EXPECT_LT(appeal(), appeal_before - 0.5) << "what everybody had is out";
}

TEST(PlantedRows, EveryKindIsThere) {
  const Shop shop({.seed = 1, .products = 100, .shoppers = 50}, kOpened);
  const PlantedRows planted = PlantBadRows(shop, 3, kLater);
  EXPECT_EQ(planted.events.size(), 3U * 5 + planted.bot);
  EXPECT_EQ(planted.bot, 120U);
  EXPECT_EQ(planted.repeats + planted.future + planted.absurd_price + planted.unknown_item, 12U);
}

}  // namespace
}  // namespace vitrine::simulate
