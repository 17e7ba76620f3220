// What makes a simulated shop move: newcomers, seasons, hours, late orders, robots.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "simulate/bots.h"
#include "simulate/orders.h"
#include "simulate/shoppers.h"
#include "simulate/visiting_hours.h"

namespace vitrine::simulate {
namespace {

constexpr std::int64_t kHour = 3600 * kMicrosPerSecond;
constexpr Micros kOpened{1'780'272'000 * kMicrosPerSecond};

Micros DaysLater(double days) {
  return {kOpened.value + static_cast<std::int64_t>(days * static_cast<double>(kMicrosPerDay))};
}

TEST(MovingWorldTest, NewcomersComeOneAfterTheOtherAndAreNotSeenBefore) {
  const Shop shop({.products = 200, .shoppers = 50, .newcomers = 0.25, .newcomer_days = 10},
                  kOpened);
  const auto there = [&shop](Micros at) {
    return std::count_if(shop.products().begin(), shop.products().end(),
                         [at](const Product& p) { return p.item.valid_from <= at; });
  };
  EXPECT_EQ(there(kOpened), 150);
  EXPECT_EQ(there(DaysLater(5)), 175);
  EXPECT_EQ(there(DaysLater(10)), 200);

  Shoppers shoppers(shop, 1);
  const auto late_looks = [&](Micros now) {
    shoppers.MoveTo(now);
    int late = 0;
    for (const Event& event : shoppers.Browse(3000, {now.value - kHour}, now)) {
      late += shop.products()[shop.Find(event.items[0].item_id)].item.valid_from > now ? 1 : 0;
    }
    return late;
  };
  EXPECT_EQ(late_looks(kOpened), 0);
  EXPECT_EQ(late_looks(DaysLater(5)), 0);
  shoppers.MoveTo(DaysLater(10));
  std::set<std::string> seen;
  for (const Event& event : shoppers.Browse(3000, DaysLater(9), DaysLater(10))) {
    seen.insert(event.items[0].item_id);
  }
  EXPECT_TRUE(std::any_of(seen.begin(), seen.end(),
                          [&](const std::string& id) { return shop.Find(id) >= 150; }));
}

TEST(MovingWorldTest, ASeasonComesBackAfterFourWeeksAndIsNobodysOnAverage) {
  const Shop shop({.products = 100, .shoppers = 10, .season = 0.3}, kOpened);
  double sum = 0;
  for (std::size_t category = 0; category < shop.categories(); ++category) {
    EXPECT_NEAR(shop.Season(category, kOpened), shop.Season(category, DaysLater(28)), 1e-9);
    sum += shop.Season(category, kOpened);
    EXPECT_LE(std::fabs(shop.Season(category, DaysLater(3))), 0.3);
  }
  EXPECT_NEAR(sum, 0, 1e-9);
  Shoppers shoppers(shop, 1);
  const double without = shoppers.ClickProbability(0, 0);
  const std::size_t category = shop.products()[0].category;
  for (const double day : {0.0, 7.0, 14.0, 21.0}) {
    shoppers.MoveTo(DaysLater(day));
    EXPECT_EQ(shoppers.ClickProbability(0, 0) > without, shop.Season(category, DaysLater(day)) > 0);
  }
}

TEST(MovingWorldTest, ShoppersLeaveAndOthersCome) {
  const Shop shop({.products = 100, .shoppers = 1000, .leaving = 0.1}, kOpened);
  Shoppers shoppers(shop, 1);
  std::set<std::string> ids;
  const auto newcomers = [&] {
    std::size_t fresh = 0;
    for (std::size_t s = 0; s < shoppers.size(); ++s) {
      fresh += ids.insert(shoppers.shopper(s).id).second ? 1U : 0U;
    }
    return fresh;
  };
  shoppers.MoveTo(kOpened);
  EXPECT_EQ(newcomers(), 1000U);
  shoppers.MoveTo(DaysLater(1));
  EXPECT_NEAR(static_cast<double>(newcomers()), 100, 40);
  for (int hour = 1; hour <= 24; ++hour) {
    shoppers.MoveTo(DaysLater(1 + hour / 24.0));
  }
  EXPECT_NEAR(static_cast<double>(newcomers()), 100, 40);
}

TEST(MovingWorldTest, MoreIsBoughtInASale) {
  const Shop shop({.products = 100, .shoppers = 10}, kOpened);
  Shoppers shoppers(shop, 1);
  const double usual = shoppers.ClickProbability(0, 0);
  const auto bought = [&] {
    int count = 0;
    for (int i = 0; i < 5000; ++i) {
      count += shoppers.Buys(0, 0) ? 1 : 0;
    }
    return count;
  };
  const int before = bought();
  shoppers.SetSale(true);
  EXPECT_GT(shoppers.ClickProbability(0, 0), usual);
  EXPECT_NEAR(bought(), 2 * before, 0.3 * before);
  shoppers.SetSale(false);
  EXPECT_EQ(shoppers.ClickProbability(0, 0), usual);
}

TEST(MovingWorldTest, VisitsHaveHoursAndDaysAndTheMeanOfAWeekIsOne) {
  double sum = 0;
  for (std::int64_t hour = 0; hour < 7 * 24; ++hour) {
    const double visits = VisitsAt({kOpened.value + hour * kHour});
    EXPECT_GT(visits, 0.15);
    EXPECT_LT(visits, 2.5);
    sum += visits;
  }
  EXPECT_NEAR(sum / (7 * 24), 1, 1e-9);
  const auto at = [](std::int64_t day, std::int64_t hour) {
    return VisitsAt({kOpened.value + day * kMicrosPerDay + hour * kHour});
  };
  EXPECT_GT(at(0, 20), 5 * at(0, 4));
  EXPECT_GT(at(5, 20), at(0, 20)) << "kOpened is a Monday, five days later a Saturday";
}

TEST(OrdersTest, SomeWaitSomeComeBackAndNoneIsLost) {
  Orders orders({.seed = 3, .late = 0.4, .late_hours = 5, .returned = 0.2, .return_days = 3});
  const int decided = 2000;
  for (int i = 0; i < decided; ++i) {
    orders.Decided({.event_id = "order" + std::to_string(i),
                    .type = EventType::kPurchase,
                    .ts = kOpened,
                    .order_id = std::to_string(i)});
  }
  const auto at_once = orders.Due(kOpened);
  EXPECT_NEAR(static_cast<double>(at_once.size()), 0.6 * decided, 0.05 * decided);
  std::map<std::string, std::vector<Event>> by_order;
  const auto later = orders.Due(DaysLater(100));
  EXPECT_TRUE(std::is_sorted(later.begin(), later.end(),
                             [](const Event& a, const Event& b) { return a.ts < b.ts; }));
  for (const auto* part : {&at_once, &later}) {
    for (const Event& event : *part) {
      by_order[event.order_id].push_back(event);
    }
  }
  EXPECT_EQ(orders.waiting(), 0U);
  EXPECT_EQ(by_order.size(), static_cast<std::size_t>(decided));
  int back = 0;
  for (const auto& [order, events] : by_order) {
    ASSERT_LE(events.size(), 2U);
    EXPECT_EQ(events[0].type, EventType::kPurchase);
    if (events.size() == 2) {
      ++back;
      EXPECT_EQ(events[1].type, EventType::kReturn);
      EXPECT_GE(events[1].ts.value - events[0].ts.value, kMicrosPerDay);
      EXPECT_NE(events[1].event_id, events[0].event_id);
    }
  }
  EXPECT_NEAR(back, 0.2 * decided, 0.05 * decided);
}

TEST(BotsTest, StretchesJoinAndEachRobotKeepsItsPace) {
  const Shop shop({.products = 100, .shoppers = 10}, kOpened);
  const Bots bots{.count = 3, .views_per_hour = 1200, .pushed = {7, 8}};
  const auto whole = BotViews(shop, bots, kOpened, {kOpened.value + kHour});
  auto parts = BotViews(shop, bots, kOpened, {kOpened.value + kHour / 3});
  for (const Event& event :
       BotViews(shop, bots, {kOpened.value + kHour / 3}, {kOpened.value + kHour})) {
    parts.push_back(event);
  }
  ASSERT_EQ(whole.size(), 3600U);
  ASSERT_EQ(parts.size(), whole.size());
  std::map<std::string, int> by_user;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i].event_id, parts[i].event_id);
    ids.insert(whole[i].event_id);
    ++by_user[whole[i].user_id];
    const std::size_t product = shop.Find(whole[i].items[0].item_id);
    EXPECT_TRUE(product == 7 || product == 8);
  }
  EXPECT_EQ(ids.size(), whole.size());
  EXPECT_EQ(by_user.size(), 3U);
  for (const auto& [user, views] : by_user) {
    EXPECT_EQ(views, 1200);
  }
}

}  // namespace
}  // namespace vitrine::simulate
