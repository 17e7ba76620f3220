// Counts and rates as of a moment, against counting by hand.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data/test_features.h"

namespace vitrine::data {
namespace {
using namespace test;  // NOLINT(google-build-using-namespace): the helpers of this folder

/// Events of the item in the whole days before the day of the moment.
double SlowItemCount(const Interactions& rows, std::size_t item, EventType type, Micros as_of,
                     std::int64_t days) {
  const std::int64_t end = as_of.value / kMicrosPerDay * kMicrosPerDay;
  double count = 0;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    count += rows.item[r] == item && rows.type[r] == type && rows.ts[r].value < end &&
                     rows.ts[r].value >= end - days * kMicrosPerDay
                 ? 1
                 : 0;
  }
  return count;
}

TEST(CountsAsOf, EqualTheSlowWay) {
  const test::Shop shop = test::MakeShop({.users = 60, .seed = 3});
  const FeatureSpec spec =
      FitOrDie({{"sold", "count_asof", "item", {{"event", "purchase"}, {"days", "7"}}},
                {"rate",
                 "rate_asof",
                 "item",
                 {{"event", "purchase"}, {"per", "view"}, {"days", "14"}, {"strength", "5"}}}},
               shop);
  double purchases = 0;
  double views = 0;
  for (const EventType type : shop.interactions.type) {
    purchases += type == EventType::kPurchase ? 1 : 0;
    views += type == EventType::kView ? 1 : 0;
  }
  for (int hour = 0; hour < 24 * 60; hour += 5) {
    const Micros as_of{hour * kHour};
    for (std::size_t item = 0; item < shop.interactions.items.size(); ++item) {
      const ItemIndex index = kFirstItem + static_cast<ItemIndex>(item);
      FeatureInput input;
      input.as_of = as_of;
      input.candidates = std::span(&index, 1);
      const std::vector<Tensor> out = ApplyOrDie(spec, {input});
      ASSERT_EQ(out[0].values<float>()[0],
                SlowItemCount(shop.interactions, item, EventType::kPurchase, as_of, 7))
          << "item " << item << " hour " << hour;
      const double a = SlowItemCount(shop.interactions, item, EventType::kPurchase, as_of, 14);
      const double b = SlowItemCount(shop.interactions, item, EventType::kView, as_of, 14);
      ASSERT_FLOAT_EQ(out[1].values<float>()[0],
                      static_cast<float>((a + 5 * purchases / views) / (b + 5)));
    }
  }
}

TEST(CountsAsOf, NothingAtOrAfterTheMomentCanBeSeen) {
  const FeatureDef sold{"sold", "count_asof", "item", {{"event", "purchase,view,cart"}}};
  const FeatureDef mine{"mine", "count_asof", "user", {{"event", "purchase,view,cart"}}};
  const test::Shop shop = test::MakeShop({.seed = 5});
  const Micros as_of{30 * kMicrosPerDay + 7 * kHour};
  // The same shop in which everything at or after the moment is another item's, many times.
  test::Shop other = shop;
  for (std::size_t r = 0; r < other.interactions.rows(); ++r) {
    if (other.interactions.ts[r] >= as_of) {
      other.interactions.item[r] = 0;
    }
  }
  const ItemIndex index = kFirstItem;
  const History history = {{3, {as_of.value - 8 * kMicrosPerDay}, EventType::kView, 0},
                           {3, {as_of.value - 7 * kMicrosPerDay}, EventType::kView, 1},
                           {4, {as_of.value - 1}, EventType::kCart, 2},
                           {5, as_of, EventType::kView, 3},
                           {6, {as_of.value + 1}, EventType::kView, 4}};
  FeatureInput input;
  input.as_of = as_of;
  input.candidates = std::span(&index, 1);
  input.history = history;
  const std::vector<Tensor> a = ApplyOrDie(FitOrDie({sold, mine}, shop), {input});
  const std::vector<Tensor> b = ApplyOrDie(FitOrDie({sold, mine}, other), {input});
  EXPECT_TRUE(Equal(a, b));
  EXPECT_EQ(a[1].values<float>()[0], 2);  // in [moment - 7 days, moment)
}

TEST(CountsAsOf, RowsFromUntilOnDoNotExist) {
  const test::Shop shop = test::MakeShop({.seed = 5});
  const Micros until{20 * kMicrosPerDay};
  const FeatureDef def{"sold", "count_asof", "item", {{"event", "view"}, {"days", "3650"}}};
  const FeatureSpec spec = FitOrDie({def}, shop, until);
  const ItemIndex index = kFirstItem;
  FeatureInput input;
  input.candidates = std::span(&index, 1);
  input.as_of = {50 * kMicrosPerDay};
  EXPECT_EQ(ApplyOrDie(spec, {input})[0].values<float>()[0],
            SlowItemCount(shop.interactions, 0, EventType::kView, until, 3650));
}

TEST(CountsAsOf, AMomentBeyondTheDataSeesTheNewestWindow) {
  const test::Shop shop = test::MakeShop({.seed = 5});
  const FeatureDef def{"sold", "count_asof", "item", {{"event", "view"}, {"days", "7"}}};
  const FeatureSpec spec = FitOrDie({def}, shop);
  const ItemIndex index = kFirstItem;
  FeatureInput input;
  input.candidates = std::span(&index, 1);
  input.as_of = {1000 * kMicrosPerDay};
  const Micros end{(shop.interactions.window_to.value / kMicrosPerDay + 1) * kMicrosPerDay};
  EXPECT_EQ(ApplyOrDie(spec, {input})[0].values<float>()[0],
            SlowItemCount(shop.interactions, 0, EventType::kView, end, 7));
}

TEST(CountsAsOf, OrdinalTimeIsRefused) {
  const test::Shop shop = test::MakeShop({.ordinal = true});
  const std::vector<FeatureDef> defs = {
      {"sold", "count_asof", "item", {{"event", "view"}}},
      {"mine", "count_asof", "user", {{"event", "view"}}},
      {"rate", "rate_asof", "item", {{"event", "view"}, {"per", "cart"}}},
      {"age", "history_ages", "", {{"unit", "day"}}}};
  for (const FeatureDef& def : defs) {
    const Status status = FitStatus(def, shop);
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << def.name;
    EXPECT_NE(status.message().find(def.name), std::string::npos) << status.message();
  }
  EXPECT_TRUE(FitStatus({"age", "history_ages", "", {{"unit", "basket"}}}, shop).ok());
}

}  // namespace
}  // namespace vitrine::data
