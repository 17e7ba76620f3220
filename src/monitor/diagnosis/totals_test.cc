#include "monitor/diagnosis/totals.h"

#include <gtest/gtest.h>

#include "monitor/diagnosis/diagnose.h"

namespace vitrine::monitor {
namespace {

struct Counted {
  ServiceReport service;
  QualityReport quality;
  DataReport data;
  [[nodiscard]] Totals totals() const { return TotalsOf(service, quality, data); }
};

Counted Shop(std::uint64_t hundreds) {
  Counted shop;
  shop.service.answers = 100 * hundreds;
  shop.service.fallbacks = {{"unknown_user", 2 * hundreds}};
  shop.service.degraded = hundreds;
  shop.quality.rows = {{.model = "m:1", .scene = "home", .answers = 100 * hundreds}};
  // Most views are of what shoppers found by themselves.
  shop.quality.joins = {{.event = "click", .events = 50 * hundreds, .by_request = 50 * hundreds},
                        {.event = "view", .events = 900 * hundreds, .unjoined = 900 * hundreds}};
  shop.data.accepted = 1000 * hundreds;
  shop.data.rejected = {{"bad_time", hundreds}};
  return shop;
}

TEST(Totals, TheDifferenceIsWhatCameBetween) {
  Counted shop = Shop(10);
  const Totals before = shop.totals();
  shop = Shop(14);
  shop.service.fallbacks["deadline"] = 3;
  shop.quality.joins[0].orphans = 20;
  shop.data.duplicates = 40;
  const Totals d = Between(before, shop.totals());
  EXPECT_EQ(d.answers, 400U);
  EXPECT_EQ(d.fallbacks.at("deadline"), 3U);
  EXPECT_EQ(d.fallbacks.at("unknown_user"), 8U);
  EXPECT_EQ(d.accepted, 4000U);
  EXPECT_EQ(d.clicks, 200U);
  EXPECT_EQ(d.named, 220U);
  DataEvidence data;
  FillIn(d, data);
  if (!data.orphans || !data.duplicates) {
    FAIL() << "a part is not known";
  }
  EXPECT_EQ(data.orphans->hits, 20U);
  EXPECT_EQ(data.orphans->rows, 220U);
  EXPECT_EQ(data.duplicates->rows, 4040U);
}

TEST(Totals, CountsThatBeganAnewAreNoLoss) {
  EXPECT_EQ(Between(Shop(10).totals(), Shop(1).totals()).answers, 0U);
}

// Nine of ten views have no answer, and nothing is wrong.
TEST(Totals, OrganicViewsAreNoLostIds) {
  Evidence e;
  FillIn(Shop(10).totals(), e.data);
  EXPECT_TRUE(Diagnose(Question::kMonitorShowsWrongNumbers, e).empty());
  Counted lost = Shop(10);
  lost.quality.joins[0].by_request = 100;
  lost.quality.joins[0].unjoined = 400;
  FillIn(lost.totals(), e.data);
  const auto causes = Diagnose(Question::kMonitorShowsWrongNumbers, e);
  ASSERT_FALSE(causes.empty());
  EXPECT_EQ(causes[0].code, CauseCode::kRequestsMissing);
}

}  // namespace
}  // namespace vitrine::monitor
