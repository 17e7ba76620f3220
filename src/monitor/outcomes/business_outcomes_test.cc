#include "monitor/outcomes/business_outcomes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "monitor/attribution.h"
#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

constexpr const char* kRow = "m:1\nhome";

struct Thing {
  std::uint64_t key = 0;
  std::uint64_t sampled_by = 0;
  int times = 0;
};

std::uint64_t HashOf(int i) { return StableHash("thing-" + std::to_string(i)); }

TEST(HashSample, HasAllWhileThereIsRoomAndAFairPartBeyond) {
  HashSample<Thing> sample(1000);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_NE(sample.Get(HashOf(i), HashOf(i)), nullptr);
  }
  EXPECT_EQ(sample.weight(), 1);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50'000; ++i) {
      if (Thing* thing = sample.Get(HashOf(i), HashOf(i))) ++thing->times;
    }
  }
  EXPECT_LE(sample.rows().size(), 1000U);
  EXPECT_NEAR(static_cast<double>(sample.rows().size()) * sample.weight(), 50'000, 5000);
  // Whoever is in it was there from the first time: nothing of them is missing.
  for (const Thing& thing : sample.rows()) {
    EXPECT_EQ(thing.times, 3);
    EXPECT_EQ(sample.Find(thing.key), &thing);
  }
  std::vector<Thing> rows = sample.rows();
  HashSample<Thing> kept(1000);
  kept.Restore(sample.level(), rows);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(kept.Get(HashOf(i), HashOf(i)) == nullptr,
              sample.Get(HashOf(i), HashOf(i)) == nullptr);
  }
  sample.Keep([](const Thing& thing) { return thing.key % 2 == 0; });
  for (const Thing& thing : sample.rows()) EXPECT_EQ(thing.key % 2, 0U);
  sample.Clear();
  EXPECT_TRUE(sample.rows().empty());
}

BusinessRow Row(const BusinessOutcomes& outcomes, std::size_t at = 0) {
  const auto rows = outcomes.Report();
  return at < rows.size() ? rows[at] : BusinessRow();
}

TEST(BusinessOutcomes, CountVisitorsOrdersAndRevenue) {
  BusinessOutcomes outcomes;
  for (int visitor = 0; visitor < 10; ++visitor) {
    const std::uint64_t subject = HashOf(visitor);
    for (int answer = 0; answer < 3; ++answer) {
      outcomes.OnAnswer(kRow, subject, static_cast<std::size_t>(visitor), 20, Micros{1});
    }
  }
  outcomes.OnAnswer(kRow, 0, 31, 20, Micros{1});  // nobody: shown, but no visitor
  outcomes.OnValue(0, HashOf(1), 1, 30, 7);
  outcomes.OnValue(0, HashOf(1), 1, 10, 7);  // the same order
  outcomes.OnValue(0, HashOf(1), 1, 20, 8);
  outcomes.OnValue(0, HashOf(2), 2, 40, 9);
  outcomes.OnValue(0, HashOf(2), 2, -40, 0);  // given back
  outcomes.OnDwell(0, 3, 10);
  outcomes.OnDwell(0, 4, 30);
  const BusinessRow row = Row(outcomes);
  EXPECT_EQ(row.model, "m:1");
  EXPECT_EQ(row.scene, "home");
  EXPECT_EQ(row.visitors, 10);
  EXPECT_DOUBLE_EQ(row.revenue.mean, 6);
  EXPECT_EQ(row.revenue_cap, 0);
  EXPECT_EQ(row.orders, 3);
  EXPECT_DOUBLE_EQ(row.order_value.mean, 20);
  EXPECT_DOUBLE_EQ(row.revenue_per_thousand.mean, 1000.0 * 60 / (31 * 20));
  EXPECT_EQ(row.dwells, 2U);
  EXPECT_DOUBLE_EQ(row.dwell_seconds.mean, 20);
  EXPECT_EQ(row.day1_of, 0U);
}

TEST(BusinessOutcomes, OneHugeOrderIsCapped) {
  BusinessOutcomes outcomes;
  for (int visitor = 0; visitor < 200; ++visitor) {
    outcomes.OnAnswer(kRow, HashOf(visitor), static_cast<std::size_t>(visitor) % 32, 10, Micros{1});
    if (visitor < 100) {
      outcomes.OnValue(0, HashOf(visitor), static_cast<std::size_t>(visitor) % 32,
                       visitor == 50 ? 1e6 : 10, 1);
    }
  }
  const BusinessRow row = Row(outcomes);
  EXPECT_EQ(row.revenue_cap, 10);
  EXPECT_DOUBLE_EQ(row.revenue.mean, 5);
  EXPECT_GT(row.order_value.mean, 1000);  // an order is what it is
}

Micros Day(int day, int second = 0) { return {day * kMicrosPerDay + second * kMicrosPerSecond}; }

TEST(BusinessOutcomes, ComeBackADayAndAWeekLater) {
  BusinessOutcomes outcomes;
  std::mt19937 random(1);
  std::map<int, std::set<int>> days;  // by visitor
  for (int day = 100; day < 120; ++day) {
    for (int visitor = 0; visitor < 300; ++visitor) {
      if (random() % 4 == 0) {
        outcomes.OnAnswer(visitor % 2 == 0 ? kRow : "m:2\ncart", HashOf(visitor),
                          static_cast<std::size_t>(visitor) % 32, 10, Day(day, visitor));
        days[visitor].insert(day);
      }
    }
  }
  double of[2][2] = {};
  double back[2][2] = {};
  for (const auto& [visitor, visits] : days) {
    const int first = *visits.begin();
    for (int w = 0; w < 2; ++w) {
      const int later = w == 0 ? 1 : 7;
      if (first + later < 119) {
        of[visitor % 2][w] += 1;
        back[visitor % 2][w] += visits.contains(first + later) ? 1 : 0;
      }
    }
  }
  for (std::size_t at = 0; at < 2; ++at) {
    const BusinessRow row = Row(outcomes, at);
    EXPECT_EQ(static_cast<double>(row.day1_of), of[at][0]);
    EXPECT_EQ(static_cast<double>(row.day7_of), of[at][1]);
    EXPECT_DOUBLE_EQ(row.day1.mean, back[at][0] / of[at][0]);
    EXPECT_DOUBLE_EQ(row.day7.mean, back[at][1] / of[at][1]);
  }
}

TEST(BusinessOutcomes, ASampleOfVisitorsTellsOfAll) {
  BusinessOutcomes outcomes;
  std::mt19937 random(2);
  std::exponential_distribution<double> value(0.1);
  double revenue = 0;
  constexpr int kVisitors = 40'000;
  for (int visitor = 0; visitor < kVisitors; ++visitor) {
    outcomes.OnAnswer(kRow, HashOf(visitor), static_cast<std::size_t>(visitor) % 32, 10, Micros{1});
    if (random() % 3 == 0) {
      const double paid = value(random);
      revenue += paid;
      outcomes.OnValue(0, HashOf(visitor), static_cast<std::size_t>(visitor) % 32, paid, 1);
    }
  }
  const BusinessRow row = Row(outcomes);
  EXPECT_LE(row.sampled, 8192U);
  EXPECT_NEAR(row.visitors, kVisitors, 0.05 * kVisitors);
  EXPECT_NEAR(row.revenue.mean, revenue / kVisitors, 0.1 * revenue / kVisitors);
  EXPECT_LT(row.revenue.low, row.revenue.mean);
  // Exact, since it needs no visitors.
  EXPECT_NEAR(row.revenue_per_thousand.mean, 1000 * revenue / (10.0 * kVisitors), 1e-6);
}

TEST(BusinessOutcomes, TheIntervalHoldsTheTruth) {
  int held = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    BusinessOutcomes outcomes;
    std::mt19937 random(seed);
    std::exponential_distribution<double> value(0.1);
    for (int visitor = 0; visitor < 400; ++visitor) {
      outcomes.OnAnswer(kRow, HashOf(visitor), 0, 10, Micros{1});
      if (random() % 2 == 0) {
        outcomes.OnValue(0, HashOf(visitor), 0, value(random), 1);
      }
    }
    const MetricValue order = Row(outcomes).order_value;
    held += order.low <= 10 && 10 <= order.high ? 1 : 0;
  }
  EXPECT_GE(held, 180);
  EXPECT_LE(held, 199);
}

TEST(BusinessOutcomes, OutliveARestart) {
  BusinessOutcomes outcomes;
  std::mt19937 random(3);
  const auto go_on = [&](BusinessOutcomes& to, std::mt19937 draw, int from) {
    for (int i = from; i < from + 3000; ++i) {
      const std::uint64_t subject = HashOf(static_cast<int>(draw() % 500));
      const auto row = to.OnAnswer("m:" + std::to_string(draw() % 200), subject, subject % 32, 5,
                                   Day(i / 400, i % 400));
      to.OnValue(row, subject, subject % 32, static_cast<double>(draw() % 100) / 7, draw() % 9);
    }
  };
  go_on(outcomes, random, 0);
  BusinessOutcomes kept;
  kept.Load(nlohmann::json::parse(outcomes.Save().dump()));
  EXPECT_EQ(kept.Save(), outcomes.Save());
  go_on(outcomes, random, 3000);
  go_on(kept, random, 3000);
  EXPECT_EQ(kept.Save(), outcomes.Save());
  EXPECT_EQ(outcomes.Report().size(), 128U);
  EXPECT_THROW(kept.Load(nlohmann::json::parse(R"({"rows": 1})")), nlohmann::json::exception);
}

TEST(BusinessOutcomes, AreJoinedToAnswersByAttribution) {
  Attribution attribution({});
  Impression answer;
  answer.request_id = "r";
  answer.subject = "u";
  answer.model = "m:1";
  answer.scene = "article";
  answer.ts = {1};
  answer.items = {{"a", 1, ""}, {"b", 1, ""}};
  attribution.Add(answer);
  Event event;
  event.user_id = "u";
  event.ts = {2};
  event.type = EventType::kPurchase;
  event.items = {{.item_id = "a", .quantity = 2, .price = 30}, {.item_id = "c", .price = 1000}};
  event.order_id = "o";
  attribution.Record(event);
  event.type = EventType::kDwell;
  event.items = {{.item_id = "b"}};
  event.seconds = 42;
  attribution.Record(event);
  event.request_id = "unknown";
  attribution.Record(event);
  const BusinessRow row = Row(attribution.outcomes());
  EXPECT_DOUBLE_EQ(row.revenue.mean, 60);  // what was not shown is nobody's
  EXPECT_DOUBLE_EQ(row.dwell_seconds.mean, 42);
  EXPECT_EQ(row.dwells, 1U);
  event.type = EventType::kReturn;
  event.request_id.clear();
  event.items = {{.item_id = "a", .quantity = 2, .price = 30}};
  attribution.Record(event);
  EXPECT_DOUBLE_EQ(Row(attribution.outcomes()).revenue.mean, 0);
}

}  // namespace
}  // namespace vitrine::monitor
