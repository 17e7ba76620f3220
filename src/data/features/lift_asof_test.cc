// How much more a user takes than others do, counted the slow way.
#include <gtest/gtest.h>

#include <algorithm>

#include "data/feature_spec.h"
#include "data/features/daily_counts.h"
#include "data/test_shop.h"

namespace vitrine::data {
namespace {

constexpr double kStrength = 4;
constexpr std::int64_t kDays = 40;

FeatureDef Lift(std::string same = "") {
  FeatureDef def{.name = "lift",
                 .op = "lift_asof",
                 .source = "user",
                 .options = {{"event", "purchase"},
                             {"per", "view,cart,purchase"},
                             {"days", std::to_string(kDays)},
                             {"strength", "4"}}};
  if (!same.empty()) {
    def.options["same"] = std::move(same);
  }
  return def;
}

/// The item's rate on the whole days before `ts`, over all rows.
double RateBefore(const Interactions& rows, std::uint32_t item, Micros ts, double prior) {
  const std::int64_t day = features::DayOf(ts);
  double a = 0;
  double b = 0;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const std::int64_t of = features::DayOf(rows.ts[r]);
    if (rows.item[r] == item && of < day && of >= day - kDays) {
      a += rows.type[r] == EventType::kPurchase ? 1 : 0;
      ++b;
    }
  }
  return (a + 10 * prior) / (b + 10);
}

TEST(LiftAsOf, IsWhatTheSlowWaySays) {
  const test::Shop shop = test::MakeShop({.users = 25, .items = 10, .longest = 30, .days = 50});
  const Interactions& rows = shop.interactions;
  const Vocabulary vocabulary(rows.items);
  double prior = 0;
  for (const EventType type : rows.type) {
    prior += type == EventType::kPurchase ? 1.0 / static_cast<double>(rows.rows()) : 0;
  }
  for (const bool same : {false, true}) {
    const auto fitted = FeatureSpec::Fit({Lift(same ? "item.categories" : "")}, rows, shop.items,
                                         vocabulary, Micros{1'900'000'000'000'000});
    ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
    const auto spec = FeatureSpec::Parse(fitted->ToJson());
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    double largest = 0;
    for (std::size_t u = 0; u < rows.users.size(); ++u) {
      History history;
      for (std::size_t r = rows.user_begin[u]; r < rows.user_begin[u + 1]; ++r) {
        history.push_back({rows.item[r] + kFirstItem, rows.ts[r], rows.type[r], rows.basket[r]});
      }
      const std::vector<ItemIndex> candidates = {kFirstItem, kFirstItem + 1};  // even and odd goods
      FeatureInput input;
      input.history = history;
      input.as_of = history.back().ts;
      input.candidates = candidates;
      std::vector<Tensor> out;
      ASSERT_TRUE(spec->Apply({&input, 1}, out).ok());
      for (std::size_t c = 0; c < 2; ++c) {
        double sum = 0;
        double count = 0;
        for (const HistoryEvent& event : history) {
          if (event.ts < input.as_of && (!same || event.item % 2 == candidates[c] % 2) &&
              event.ts.value >= input.as_of.value - kDays * kMicrosPerDay) {
            sum += (event.type == EventType::kPurchase ? 1 : 0) -
                   RateBefore(rows, event.item - kFirstItem, event.ts, prior);
            ++count;
          }
        }
        EXPECT_NEAR(double{out[0].values<float>()[c]}, sum / (count + kStrength), 1e-6);
        largest = std::max(largest, std::abs(sum));
      }
    }
    EXPECT_GT(largest, 1);
  }
}

TEST(LiftAsOf, NeedsAUserAndBothEvents) {
  const test::Shop shop = test::MakeShop();
  const auto message = [&shop](const FeatureDef& def) {
    return std::string(FeatureSpec::Fit({def}, shop.interactions, shop.items,
                                        Vocabulary(shop.interactions.items), Micros{1})
                           .status()
                           .message());
  };
  FeatureDef item = Lift();
  item.source = "item";
  EXPECT_NE(message(item).find("source must be \"user\""), std::string::npos);
  FeatureDef half = Lift();
  half.options.erase("per");
  EXPECT_NE(message(half).find("event and per"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::data
