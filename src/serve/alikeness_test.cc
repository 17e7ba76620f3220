#include "serve/alikeness.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace vitrine::serve {
namespace {

ItemFields Row(const std::string& brand, const std::vector<std::string>& categories,
               const std::vector<std::string>& tags) {
  Item item;
  item.id = "x";
  item.brand = brand;
  item.categories = categories;
  item.tags = tags;
  return FieldsOf(item);
}

double Of(const ItemFields& a, const ItemFields& b, const Diversity& weights = {},
          std::span<const float> vector_a = {}, std::span<const float> vector_b = {}) {
  const double forth =
      Alikeness(TraitsOf(&a, vector_a, weights), TraitsOf(&b, vector_b, weights), weights);
  const double back =
      Alikeness(TraitsOf(&b, vector_b, weights), TraitsOf(&a, vector_a, weights), weights);
  EXPECT_EQ(forth, back);
  return forth;
}

TEST(Alikeness, IsOneOfTheSameAndNoneOfNothingInCommon) {
  const ItemFields shoe = Row("A", {"Shoes > Running"}, {"light", "red"});
  EXPECT_NEAR(Of(shoe, shoe), 1, 1e-12);
  EXPECT_EQ(Of(shoe, Row("B", {"Garden"}, {"blue"})), 0);
  EXPECT_EQ(Of(Row("", {}, {}), Row("", {}, {})), 0);  // nothing is known of either
}

TEST(Alikeness, WeighsBrandLevelsAndTags) {
  const ItemFields a = Row("A", {"Shoes > Running"}, {"light", "red"});
  // Shoes of Shoes > Running and Shoes > Hiking; one tag of two and one.
  const ItemFields b = Row("A", {"Shoes > Hiking"}, {"red"});
  EXPECT_NEAR(Of(a, b), (1 + 0.5 + 1 / std::sqrt(2)) / 3, 1e-12);
  const Diversity brand_twice{.brand = 2, .tags = 0};
  EXPECT_NEAR(Of(a, b, brand_twice), (2 + 0.5) / 3, 1e-12);
  // A shop without tags: what is there counts whole.
  EXPECT_NEAR(Of(Row("A", {"Shoes"}, {}), Row("A", {"Shoes"}, {})), 1, 1e-12);
  // One with tags, one without: its tags are what they do not have in common.
  EXPECT_NEAR(Of(Row("A", {}, {}), Row("A", {}, {"red"})), 1 / std::sqrt(2), 1e-12);
}

TEST(Alikeness, ACategoryIsNotALevelOfTheSameName) {
  EXPECT_EQ(Of(Row("", {"Sale > Shoes"}, {}), Row("", {"Shoes"}, {})), 0);
}

TEST(Alikeness, TakesTheCosineOfVectorsOfAnyWidth) {
  const ItemFields none = Row("", {}, {});
  for (const std::size_t width : {1U, 7U, 8U, 21U}) {
    std::vector<float> a(width);
    std::vector<float> b(width);
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (std::size_t i = 0; i < width; ++i) {
      a[i] = static_cast<float>(i % 3) - 0.5F;
      b[i] = static_cast<float>(i % 5) - 1.5F;
      ab += static_cast<double>(a[i]) * b[i];
      aa += static_cast<double>(a[i]) * a[i];
      bb += static_cast<double>(b[i]) * b[i];
    }
    EXPECT_NEAR(Of(none, none, {}, a, b), ab / std::sqrt(aa * bb), 1e-6) << width;
  }
  constexpr std::array<float, 2> kZero{};
  constexpr std::array<float, 2> kOne = {1, 0};
  EXPECT_EQ(Of(none, none, {}, kZero, kOne), 0);
  EXPECT_EQ(Of(none, none, {.vectors = 0}, kOne, kOne), 0);
}

}  // namespace
}  // namespace vitrine::serve
