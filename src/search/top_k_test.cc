#include "search/top_k.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace vitrine::search {
namespace {

// The obvious way: sort everything that qualifies.
template <typename T>
std::vector<RankedItem> Oracle(const std::vector<T>& scores, const std::vector<std::uint64_t>& skip,
                               std::size_t k) {
  std::vector<RankedItem> all;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool skipped = ((skip[i / 64] >> (i % 64)) & 1U) != 0;
    if (!skipped && !std::isnan(scores[i]) && scores[i] != -INFINITY) {
      all.push_back({static_cast<double>(scores[i]), static_cast<ItemIndex>(i)});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const RankedItem& a, const RankedItem& b) { return a.score > b.score; });
  all.resize(std::min(all.size(), k));
  return all;
}

template <typename T>
class TopK : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(TopK, Types);

TYPED_TEST(TopK, EqualsSortingOnRandomScoresWithTiesSkipsAndHoles) {
  std::mt19937 engine(7);
  for (int round = 0; round < 400; ++round) {
    const std::size_t width = 1 + engine() % 700;
    const std::size_t k = engine() % 40;
    const int levels = 1 + static_cast<int>(engine() % 50);  // few levels: many ties
    std::vector<TypeParam> scores(width);
    for (TypeParam& score : scores) {
      const auto draw = engine() % 100;
      score = draw == 0   ? std::numeric_limits<TypeParam>::quiet_NaN()
              : draw == 1 ? -std::numeric_limits<TypeParam>::infinity()
                          : static_cast<TypeParam>(static_cast<int>(engine() % 100000) % levels) -
                                TypeParam{5};
    }
    std::vector<std::uint64_t> skip(SkipWords(width));
    const bool dense = engine() % 2 == 0;
    for (std::uint64_t& word : skip) {
      word = (std::uint64_t{engine()} << 32U) | engine();
      word = dense ? word | ((std::uint64_t{engine()} << 32U) | engine()) : word & engine();
    }
    std::vector<RankedItem> top;
    SelectTop(std::span<const TypeParam>(scores), skip, k, top);
    EXPECT_EQ(top, Oracle(scores, skip, k)) << "width " << width << ", k " << k;
  }
}

TYPED_TEST(TopK, TiesGoToTheLowerIndex) {
  const std::vector<TypeParam> scores(200, TypeParam{1});
  const std::vector<std::uint64_t> skip(SkipWords(200));
  std::vector<RankedItem> top;
  SelectTop(std::span<const TypeParam>(scores), skip, 3, top);
  EXPECT_EQ(top, (std::vector<RankedItem>{{1, 0}, {1, 1}, {1, 2}}));
}

TYPED_TEST(TopK, AsksThePredicateOnlyForScoresThatWouldEnter) {
  std::vector<TypeParam> scores(1000);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] = static_cast<TypeParam>(scores.size() - i);
  }
  const std::vector<std::uint64_t> skip(SkipWords(scores.size()));
  int asked = 0;
  std::vector<RankedItem> top;
  SelectTop(
      std::span<const TypeParam>(scores), skip, 4,
      [&asked](ItemIndex index) {
        ++asked;
        return index % 2 == 1;
      },
      top);
  EXPECT_EQ(top, (std::vector<RankedItem>{{999, 1}, {997, 3}, {995, 5}, {993, 7}}));
  EXPECT_EQ(asked, 8);
}

TYPED_TEST(TopK, DoesNotAllocateWhereThereIsRoom) {
  const std::vector<TypeParam> scores(500, TypeParam{2});
  const std::vector<std::uint64_t> skip(SkipWords(500));
  std::vector<RankedItem> top;
  top.reserve(10);
  const RankedItem* before = top.data();
  SelectTop(std::span<const TypeParam>(scores), skip, 10, top);
  EXPECT_EQ(top.data(), before);
}

TYPED_TEST(TopK, MaskSetsABitPerScoreAboveTheThreshold) {
  std::vector<TypeParam> scores(64, TypeParam{0});
  scores[0] = 2;
  scores[5] = 1;  // equal: not above
  scores[63] = TypeParam{1.5};
  const std::uint64_t want = 1U | (std::uint64_t{1} << 63U);
  EXPECT_EQ(MaskAbove(std::span<const TypeParam>(scores), TypeParam{1}), want);
  EXPECT_EQ(MaskAbove(std::span<const TypeParam>(scores).first(6), TypeParam{1}), 1U);
}

}  // namespace
}  // namespace vitrine::search
