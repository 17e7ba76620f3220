#include "serve/trending.h"

#include <gtest/gtest.h>

#include "serve/fake_log.h"

namespace vitrine::serve {
namespace {

class Trend : public testing::Test {
 protected:
  Trend() {
    EXPECT_TRUE(log.InternItem("a").ok());
    EXPECT_TRUE(log.InternItem("b").ok());
  }
  void Add(EventType type, const std::string& id, double day) {
    Event event;
    event.type = type;
    event.items = {{.item_id = id}};
    event.ts = At(day);
    trending.Apply({.sequence = 1, .body = event});
  }
  static Micros At(double day) {
    return Micros{static_cast<std::int64_t>(day * static_cast<double>(kMicrosPerDay))};
  }
  std::pair<double, double> Read(double day) {
    const ItemSpace space = ItemSpace::OfNumbers(2);
    std::vector<double> scores(space.width());
    trending.AddTo(space, At(day), scores);
    return {scores[2], scores[3]};
  }
  FakeLog log;
  Trending trending{log, {.half_life_days = 2}};
};

TEST_F(Trend, CountsByKindAndHalvesWithTime) {
  Add(EventType::kView, "a", 0);
  Add(EventType::kPurchase, "b", 0);
  Add(EventType::kImpression, "a", 0);
  Add(EventType::kReturn, "a", 0);
  Add(EventType::kView, "never-interned", 0);
  EXPECT_DOUBLE_EQ(Read(0).first, 1);
  EXPECT_DOUBLE_EQ(Read(0).second, 4);
  EXPECT_DOUBLE_EQ(Read(4).second, 1);
}

TEST_F(Trend, NewInterestOvertakesOld) {
  for (int i = 0; i < 3; ++i) {
    Add(EventType::kView, "a", 0);
  }
  Add(EventType::kView, "b", 4);
  EXPECT_LT(Read(4).first, Read(4).second);
}

TEST_F(Trend, StaysFiniteOverManyYears) {
  Add(EventType::kView, "a", 0);
  Add(EventType::kView, "b", 3000);  // 1,500 half-lives
  EXPECT_DOUBLE_EQ(Read(3000).second, 1);
  EXPECT_DOUBLE_EQ(Read(3002).second, 0.5);
  EXPECT_NEAR(Read(3000).first, 0, 1e-100);
}

TEST_F(Trend, NothingCountedIsZero) { EXPECT_EQ(Read(7), (std::pair<double, double>(0, 0))); }

}  // namespace
}  // namespace vitrine::serve
