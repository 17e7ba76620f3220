#include "serve/spacing.h"

#include <gtest/gtest.h>

namespace vitrine::serve {
namespace {

using Order = std::vector<std::uint32_t>;

std::vector<Likeness> Brands(const std::vector<std::uint64_t>& brands) {
  std::vector<Likeness> items;
  for (const std::uint64_t brand : brands) {
    items.push_back({.brand = brand});
  }
  return items;
}

TEST(Arrange, WithoutLimitsKeepsTheOrder) {
  EXPECT_EQ(Arrange({}, Brands({1, 1, 1}), 2, false), (Order{0, 1}));
}

TEST(Arrange, CapsABrandAndBringsUpTheNext) {
  const Spacing spacing{.max_per_brand = 2};
  EXPECT_EQ(Arrange(spacing, Brands({1, 1, 1, 2, 3}), 4, false), (Order{0, 1, 3, 4}));
}

TEST(Arrange, KeepsAGapBetweenOneBrand) {
  const Spacing spacing{.brand_gap = 1};
  EXPECT_EQ(Arrange(spacing, Brands({1, 1, 2, 2, 1}), 5, false), (Order{0, 2, 1, 3, 4}));
}

TEST(Arrange, StopsShortOrTakesWhatIsLeft) {
  const Spacing spacing{.max_per_brand = 1};
  EXPECT_EQ(Arrange(spacing, Brands({1, 1, 2}), 3, false), (Order{0, 2}));
  EXPECT_EQ(Arrange(spacing, Brands({1, 1, 2}), 3, true), (Order{0, 2, 1}));
}

TEST(Arrange, ItemsWithoutABrandAreNotAlike) {
  EXPECT_EQ(Arrange({.max_per_brand = 1, .brand_gap = 3}, Brands({0, 0, 0}), 3, false),
            (Order{0, 1, 2}));
}

TEST(Arrange, CapsACategory) {
  const std::vector<Likeness> items = {{1, 7}, {2, 7}, {3, 8}};
  EXPECT_EQ(Arrange({.max_per_category = 1}, items, 2, false), (Order{0, 2}));
}

}  // namespace
}  // namespace vitrine::serve
