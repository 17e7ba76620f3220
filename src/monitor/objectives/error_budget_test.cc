#include "monitor/objectives/error_budget.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

namespace vitrine::monitor {
namespace {

using std::chrono::minutes;

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond;
constexpr minutes kAnyWindows[] = {minutes(1), minutes(5), minutes(60), ErrorBudget::kLongest};

TEST(ErrorBudgetTest, AgreesWithCountingEveryMinuteAnew) {
  std::mt19937 random(1);
  ErrorBudget budget;
  std::map<std::int64_t, GoodOfAll> oracle;
  GoodOfAll total{.good = 50, .all = 100};  // before the first look: nobody knows when
  std::int64_t now = 1'700'000'000 * kMicrosPerSecond;
  budget.Count({now}, total);
  for (int look = 0; look < 3000; ++look) {
    // Also over gaps longer than all that is kept.
    now += static_cast<std::int64_t>(random() % 400) * kMicrosPerSecond +
           (random() % 1000 == 0 ? 5 * kMicrosPerDay : 0);
    const std::uint64_t all = random() % 100;
    const std::uint64_t good = all == 0 ? 0 : random() % (all + 1);
    total = {.good = total.good + good, .all = total.all + all};
    budget.Count({now}, total);
    oracle[now / kMinute].good += good;
    oracle[now / kMinute].all += all;
    if (look % 50 != 0) {
      continue;
    }
    for (const minutes window : kAnyWindows) {
      GoodOfAll expected;
      for (const auto& [minute, counts] : oracle) {
        if (minute > now / kMinute - window.count()) {
          expected.good += counts.good;
          expected.all += counts.all;
        }
      }
      EXPECT_EQ(budget.Within({now}, window).good, expected.good);
      EXPECT_EQ(budget.Within({now}, window).all, expected.all);
    }
  }
}

TEST(ErrorBudgetTest, AServerThatBeganAnewIsNoMillionOfBadAnswers) {
  ErrorBudget budget;
  budget.Count({kMinute}, {.good = 1000, .all = 1000});
  budget.Count({2 * kMinute}, {.good = 1100, .all = 1101});
  budget.Count({3 * kMinute}, {.good = 5, .all = 5});
  budget.Count({4 * kMinute}, {.good = 7, .all = 8});
  const GoodOfAll sum = budget.Within({4 * kMinute}, minutes(60));
  EXPECT_EQ(sum.all, 104U);
  EXPECT_EQ(sum.good, 102U);
}

TEST(ErrorBudgetTest, AClockThatRunsBackLosesNothing) {
  ErrorBudget budget;
  budget.Count({100 * kMinute}, {});
  budget.Count({101 * kMinute}, {.good = 1, .all = 1});
  budget.Count({50 * kMinute}, {.good = 1, .all = 2});
  EXPECT_EQ(budget.Within({50 * kMinute}, minutes(5)).all, 2U);
}

TEST(ErrorBudgetTest, IsKeptAndReadAgain) {
  std::mt19937 random(2);
  ErrorBudget budget;
  GoodOfAll total;
  for (std::int64_t minute = 0; minute < 5000; ++minute) {
    total = {.good = total.good + random() % 10, .all = total.all + 10};
    budget.Count({minute * kMinute}, total);
  }
  ErrorBudget read;
  read.Load(budget.Save());
  for (const minutes window : kAnyWindows) {
    const Micros now{4999 * kMinute};
    EXPECT_EQ(read.Within(now, window).good, budget.Within(now, window).good);
    EXPECT_EQ(read.Within(now, window).all, budget.Within(now, window).all);
  }
  EXPECT_THROW(read.Load(nlohmann::json::parse("[[1]]")), nlohmann::json::exception);
}

TEST(ErrorBudgetTest, BurnRateIsTheShareOfWhatMayBeBad) {
  EXPECT_DOUBLE_EQ(BurnRate({.good = 0, .all = 0}, 0.99), 0);
  EXPECT_NEAR(BurnRate({.good = 99, .all = 100}, 0.99), 1, 1e-9);
  EXPECT_NEAR(BurnRate({.good = 900, .all = 1000}, 0.999), 100, 1e-9);
}

}  // namespace
}  // namespace vitrine::monitor
