// Apply runs on the serving path: once warm it allocates nothing. A program of its own, because it
// replaces operator new.
#include <limits>

#include <gtest/gtest.h>

#include "core/allocations_testing.h"
#include "data/feature_spec.h"
#include "data/test_shop.h"

namespace vitrine::data {
namespace {

TEST(FeatureSpecAllocation, NoneInSteadyState) {
  const test::Shop shop = test::MakeShop();
  const Result<FeatureSpec> spec =
      FeatureSpec::Fit({{"history_of_the_shopper", "history_items", "", {{"distinct", "true"}}},
                        {"age", "history_ages", "", {{"distinct", "true"}, {"unit", "basket"}}},
                        {"brand", "level", "item.brand", {}},
                        {"price", "log_standardise", "item.price", {}},
                        {"sold", "count_asof", "item", {{"event", "view"}}},
                        {"mine", "count_asof", "user", {{"event", "view"}}},
                        {"city", "hash", "user.city", {}}},
                       shop.interactions, shop.items, Vocabulary(test::ItemIds(shop)),
                       Micros{std::numeric_limits<std::int64_t>::max()});
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  History longer;
  for (std::uint32_t i = 0; i < 40; ++i) {
    longer.push_back({kFirstItem + i % 7, {i * kMicrosPerDay}, EventType::kView, i / 3});
  }
  // An order's rows interleaved with another's take the slower way.
  longer[20].basket = 3;
  User user;
  user.attributes["city"] = std::string("a city with a name of more than sixteen letters");
  const std::vector<ItemIndex> candidates = {2, 3, 4};
  std::vector<FeatureInput> inputs(3);
  for (FeatureInput& input : inputs) {
    input.history = longer;
    input.as_of = {60 * kMicrosPerDay};
    input.user = &user;
    input.candidates = candidates;
  }
  std::vector<Tensor> out;
  ASSERT_TRUE(spec->Apply(inputs, out).ok());
  const std::size_t before = allocations;
  bool ok = true;
  for (int i = 0; i < 100; ++i) {
    // Smaller batches in between must not cost either.
    ok = ok && spec->Apply(std::span(inputs).first(1 + static_cast<std::size_t>(i) % 3), out).ok();
  }
  const std::size_t made = allocations - before;
  EXPECT_TRUE(ok);
  EXPECT_EQ(made, 0U);
}

}  // namespace
}  // namespace vitrine::data
