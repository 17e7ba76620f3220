#include "train/models/hybrid_candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "train/models/hybrid_testing.h"

namespace vitrine::train {
namespace {

using test::HistoryForTest;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kWidth = 7;  // items 2 to 6

Tensor Scores(const std::vector<double>& values) {
  const auto rows = static_cast<std::int64_t>(values.size() / kWidth);
  return Tensor::Of<double>("scores", {rows, kWidth}, values);
}

struct Past {
  std::vector<std::int64_t> items;
  std::vector<std::int64_t> ages;

  [[nodiscard]] HistoryBatch Batch(std::size_t rows) const {
    return {.items = items, .ages = ages, .rows = rows, .length = items.size() / rows};
  }
};

ItemFacts Facts() {
  return {.popularity = {0, 0, 12, 13, 14, 15, 16},
          .days = {0, 0, 22, 23, 24, 25, 26},
          .repeats = {0, 0, 32, 33, 34, 35, 36}};
}

TEST(HybridCandidates, AreTheBestOfEachMemberAboveItsLeast) {
  const CandidateLayout layout{.width = kWidth, .members = 2, .best = 2, .length = 4};
  // Columns of padding and unknown hold what no item has. The second member knows one item only.
  const std::vector<Tensor> scores = {Scores({9, 9, 1, 5, 3, 5, 1}), Scores({9, 9, 0, 0, 0, 0, 2})};
  const Past past{{0, 0, 1, 4}, {-1, -1, 1, 0}};
  CandidateBatch found;
  ASSERT_EQ(FindCandidates(layout, Facts(), scores, past.Batch(1), found), Status());
  EXPECT_THAT(found.begin, ElementsAre(0, 3));
  EXPECT_THAT(found.item, ElementsAre(3, 5, 6));
  ASSERT_EQ(layout.columns(), 10U);
  const auto length = static_cast<float>(std::log1p(1.0));
  // Score, share, rank of each; agreement, popularity, popularity of the last item, known places.
  EXPECT_THAT(std::vector<float>(found.features.begin(), found.features.begin() + 10),
              ElementsAre(5, 1, 1, 0, 0, 0, 1, 13, 14, length));
  EXPECT_THAT(std::vector<float>(found.features.begin() + 10, found.features.begin() + 20),
              ElementsAre(5, 1, 0.5F, 0, 0, 0, 1, 15, 14, length));
  EXPECT_THAT(std::vector<float>(found.features.begin() + 20, found.features.end()),
              ElementsAre(1, 0, 0, 2, 1, 1, 1, 16, 14, length));
  EXPECT_THAT(found.share, ElementsAre(0, 0.5, 0, 0.5, 0.5));
}

TEST(HybridCandidates, WhatTheShopperHadIsOneWhereTheLayoutSaysSo) {
  CandidateLayout layout{.width = kWidth, .members = 1, .best = 3, .length = 4};
  const std::vector<Tensor> scores = {Scores({0, 0, 1, 9, 3, 5, 0})};
  const Past past{{3, 4, 3}, {2, 1, 0}};
  CandidateBatch found;
  ASSERT_EQ(FindCandidates(layout, Facts(), scores, past.Batch(1), found), Status());
  EXPECT_THAT(found.item, ElementsAre(2, 5));
  EXPECT_THAT(found.share, ElementsAre(0.2, 0, 0, 1, 0));
  layout.again = layout.times = true;
  ASSERT_EQ(FindCandidates(layout, Facts(), scores, past.Batch(1), found), Status());
  EXPECT_THAT(found.item, ElementsAre(3, 4, 5));
  ASSERT_EQ(layout.columns(), 12U);
  // Behind the length: age of the item's newest event, baskets, by age, of all three, others' repeats.
  const auto length = static_cast<float>(std::log1p(3.0));
  EXPECT_THAT(std::vector<float>(found.features.begin(), found.features.begin() + 12),
              ElementsAre(9, 1, 1, 1, 13, 13, length, 23, 2, 1.25F, 2.0F / 3, 33));
}

TEST(HybridCandidates, AMemberThatTellsNothingAddsNothing) {
  const CandidateLayout layout{.width = kWidth, .members = 1, .best = 3, .length = 4};
  const std::vector<Tensor> scores = {Scores({1, 1, 4, 4, 4, 4, 4, 0, 0, 0, 0, 1, 0, 0})};
  const Past past{{0, 0}, {-1, -1}};
  CandidateBatch found;
  ASSERT_EQ(FindCandidates(layout, Facts(), scores, past.Batch(2), found), Status());
  EXPECT_THAT(found.begin, ElementsAre(0, 0, 1));
  EXPECT_THAT(found.item, ElementsAre(4));
  EXPECT_THAT(found.share, ElementsAre(0, 0, 0, 0, 0, 0, 0, 1, 0, 0));
}

TEST(HybridCandidates, ScoresThatAreNoNumbersAreNamed) {
  const CandidateLayout layout{.width = kWidth, .members = 1, .best = 3, .length = 4};
  const Past past{{0}, {-1}};
  CandidateBatch found;
  for (const double wrong : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const std::vector<Tensor> scores = {Scores({0, 0, 1, 2, wrong, 0, 0})};
    const Status status = FindCandidates(layout, Facts(), scores, past.Batch(1), found);
    EXPECT_EQ(status.code(), Code::kInternal);
    EXPECT_THAT(status.message(), HasSubstr("member number 1: row 0"));
  }
}

TEST(ItemFacts, CountEventsAndDays) {
  TrainingSequences sequences{
      .users = {HistoryForTest({2, 3, 2}), HistoryForTest({2})}, .width = 5, .ordinal_time = false};
  const Result<ItemFacts> facts = FactsOf(sequences);
  ASSERT_TRUE(facts.ok());
  EXPECT_FLOAT_EQ(facts->popularity[2], std::log1p(3.0F));
  EXPECT_FLOAT_EQ(facts->popularity[3], std::log1p(1.0F));
  EXPECT_EQ(facts->popularity[4], 0);
  EXPECT_EQ(facts->days[2], 0);
  EXPECT_FLOAT_EQ(facts->days[3], std::log1p(1.0F));
  EXPECT_GT(facts->days[4], facts->days[3]);
  // Two have item 2, one of them twice; nobody has item 3 twice; one of each kind is added.
  EXPECT_FLOAT_EQ(facts->repeats[2], 2.0F / 4);
  EXPECT_FLOAT_EQ(facts->repeats[3], 1.0F / 3);
  EXPECT_FLOAT_EQ(facts->repeats[4], 1.0F / 2);
  sequences.users[1][0].item = 5;
  EXPECT_THAT(FactsOf(sequences).status().message(), HasSubstr("the vocabulary ends at 4"));
}

}  // namespace
}  // namespace vitrine::train
