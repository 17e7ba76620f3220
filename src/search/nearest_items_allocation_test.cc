// A search runs on the serving path: once warm it allocates nothing. A program of its own, because
// it replaces operator new.
#include <gtest/gtest.h>

#include <random>

#include "core/allocations_testing.h"
#include "search/nearest_items.h"

namespace vitrine::search {
namespace {

TEST(NearestItemsAllocation, NoneInSteadyState) {
  std::mt19937 engine(1);
  std::normal_distribution<float> draw;
  std::vector<float> values(1000 * 24);
  for (float& value : values) {
    value = draw(engine);
  }
  auto matrix = ItemMatrix::Make(values, 1000, 24);
  ASSERT_TRUE(matrix.ok());
  const NearestItems nearest(std::make_shared<ItemMatrix>(*std::move(matrix)));
  const std::span<const float> queries = std::span(values).first(40 * 24);
  const std::vector<std::uint64_t> skip(SkipWords(1000), 0x5555);
  NearestScratch scratch;
  std::vector<std::vector<RankedItem>> top(40);
  for (const Scan scan : {Scan::kCodes, Scan::kFloats}) {
    ASSERT_TRUE(nearest.Search(queries, 20, skip, scratch, top, scan).ok());
    const std::size_t before = allocations;
    for (int round = 0; round < 3; ++round) {
      const bool ok = nearest.Search(queries, 20, skip, scratch, top, scan).ok();
      EXPECT_EQ(allocations, before);
      EXPECT_TRUE(ok);
    }
  }
  EXPECT_EQ(top[0].size(), 20U);
}

}  // namespace
}  // namespace vitrine::search
