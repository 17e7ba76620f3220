#include "search/hnsw_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace vitrine::search {
namespace {

std::shared_ptr<const ItemMatrix> Clustered(std::size_t rows, std::size_t width) {
  std::mt19937 engine(3);
  std::normal_distribution<float> draw;
  std::vector<float> centres(40 * width);
  for (float& value : centres) {
    value = draw(engine);
  }
  std::vector<float> values;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t centre = engine() % 40;
    for (std::size_t j = 0; j < width; ++j) {
      values.push_back(centres[centre * width + j] + 0.5F * draw(engine));
    }
  }
  auto matrix = ItemMatrix::Make(values, rows, width);
  EXPECT_TRUE(matrix.ok());
  return std::make_shared<ItemMatrix>(*std::move(matrix));
}

std::vector<float> RowOf(const ItemMatrix& matrix, std::size_t row) {
  const float* values = matrix.values() + row * matrix.stride();
  return {values, values + matrix.width()};
}

/// The share of the exact best k that the walk finds, over a few queries.
double Recall(const std::shared_ptr<const ItemMatrix>& matrix, const HnswItems& near,
              std::size_t k) {
  const NearestItems exact(matrix);
  NearestScratch scratch;
  std::vector<std::vector<RankedItem>> top(1);
  std::vector<ItemIndex> found;
  std::size_t right = 0;
  constexpr std::size_t kQueries = 30;
  for (std::size_t q = 0; q < kQueries; ++q) {
    const std::vector<float> query = RowOf(*matrix, 10 + q * 37);
    EXPECT_TRUE(exact.Search(query, k, {}, scratch, top).ok());
    EXPECT_TRUE(near.Search(query, k, scratch, found));
    for (const RankedItem& item : top[0]) {
      right += std::find(found.begin(), found.end(), item.index) != found.end() ? 1U : 0U;
    }
  }
  return static_cast<double>(right) / static_cast<double>(kQueries * k);
}

TEST(HnswItems, FindsNearlyAllOfTheBestAndMoreWithMoreEffort) {
  const auto matrix = Clustered(3000, 20);
  const auto near = HnswItems::Build(matrix, {});
  ASSERT_TRUE(near.ok()) << near.status().ToString();
  (*near)->set_effort(20);
  const double little = Recall(matrix, **near, 20);
  (*near)->set_effort(600);
  EXPECT_EQ((*near)->effort(), 600U);
  const double much = Recall(matrix, **near, 20);
  EXPECT_GT(little, 0.3);
  EXPECT_GE(much, little);
  EXPECT_GT(much, 0.95);
}

TEST(HnswItems, WhatIsNotWantedAnyMoreIsNotBuilt) {
  std::stop_source stop;
  stop.request_stop();
  const auto near = HnswItems::Build(Clustered(300, 8), {.stop = stop.get_token()});
  EXPECT_EQ(near.status().code(), Code::kCancelled);
}

TEST(HnswItems, RowsThatAreNoItemsAreNeverFound) {
  const auto matrix = Clustered(300, 8);
  const auto near = HnswItems::Build(matrix, {.first_row = 200});
  ASSERT_TRUE(near.ok());
  NearestScratch scratch;
  std::vector<ItemIndex> found;
  ASSERT_TRUE((*near)->Search(RowOf(*matrix, 5), 100, scratch, found));
  EXPECT_EQ(found.size(), 100U);
  EXPECT_GE(*std::min_element(found.begin(), found.end()), 200U);
}

TEST(HnswItems, WhatWouldTakeTooLongIsGivenUpAndSaysHowLong) {
  const auto matrix = Clustered(5000, 8);
  const auto near = HnswItems::Build(matrix, {.build_within = std::chrono::duration<double>(1e-6)});
  EXPECT_EQ(near.status().code(), Code::kDeadlineExceeded);
  EXPECT_THAT(near.status().message(), testing::HasSubstr("s to build"));
}

TEST(HnswItems, NoItemsAreAnEmptyIndex) {
  auto none = ItemMatrix::Make({}, 0, 5);
  ASSERT_TRUE(none.ok());
  const auto near = HnswItems::Build(std::make_shared<ItemMatrix>(*std::move(none)), {});
  ASSERT_TRUE(near.ok());
  NearestScratch scratch;
  std::vector<ItemIndex> found = {1};
  EXPECT_TRUE((*near)->Search(std::vector<float>(5, 1), 3, scratch, found));
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace vitrine::search
