// The scores of a dense model stand on the serving path: once warm they allocate nothing. A program of its
// own, because it replaces operator new.
#include <gtest/gtest.h>

#include <array>

#include "core/allocations_testing.h"
#include "serve/dense_scores.h"
#include "serve/dense_testing.h"

namespace vitrine::serve {
namespace {

TEST(DenseScoresAllocation, NoneInSteadyState) {
  const graph::ItemVectors vectors = RandomVectors(1000, 24);
  const auto dense = DenseGraph::Make(SumEncoder(vectors), vectors);
  ASSERT_TRUE(dense.ok());
  const std::array<std::int64_t, 3> items = {5, 900, 77};
  const std::vector<Tensor> inputs = {Tensor::Of<std::int64_t>("history", {1, 3}, items)};
  const std::vector<std::uint64_t> skip(search::SkipWords(1002), 0x5555);
  const auto odd = [](ItemIndex item) { return item % 2 == 1; };
  DenseMemory memory;
  std::vector<Tensor> encoded;
  std::vector<search::RankedItem> top;
  const auto encoder = SumEncoder(vectors);
  ASSERT_TRUE(encoder->Run(inputs, encoded).ok());
  std::size_t before = allocations;
  ASSERT_TRUE(encoder->Run(inputs, encoded).ok());
  const std::size_t of_the_fake = allocations - before;
  double sum = 0;
  for (int round = 0; round < 4; ++round) {
    before = allocations;
    DenseScores scores(**dense, memory);
    const bool asked = scores.Ask(inputs, encoded).ok();
    scores.FindBest(20, skip, search::RowFilter(odd), top);
    scores.Boost(7) += 5;
    scores.FindBest(20, skip, {}, top);
    sum += scores.Plain(9) + scores.Score(7) + static_cast<double>(scores.AllPlain()[3]);
    const std::size_t made = allocations - before;
    EXPECT_TRUE(asked);
    if (round > 0) {
      EXPECT_EQ(made, of_the_fake);
    }
  }
  EXPECT_EQ(top.size(), 20U);
  EXPECT_NE(sum, 0);
}

}  // namespace
}  // namespace vitrine::serve
