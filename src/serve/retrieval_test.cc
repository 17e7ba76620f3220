#include "serve/retrieval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stop_token>
#include <thread>

#include "serve/dense_scores.h"
#include "serve/dense_testing.h"
#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

using testing::HasSubstr;

constexpr std::size_t kItems = 3000;
constexpr std::size_t kWidth = 16;

class Retrieving : public testing::Test {
 protected:
  Retrieving() : vectors_(RandomVectors(kItems, kWidth)) {
    auto dense = DenseGraph::Make(SumEncoder(vectors_), vectors_);
    EXPECT_TRUE(dense.ok());
    dense_ = *std::move(dense);
    queries_.assign(vectors_.values.begin() + 2 * kWidth, vectors_.values.begin() + 18 * kWidth);
  }
  Retrieval Scan(const RetrievalOptions& options) {
    return MeasureScan(dense_->items(), queries_, options);
  }
  Retrieval Tried(const RetrievalOptions& options) {
    return TryIndex(dense_->items(), kFirstItem, queries_, options, {});
  }
  graph::ItemVectors vectors_;
  std::unique_ptr<DenseGraph> dense_;
  std::vector<float> queries_;
};

TEST_F(Retrieving, AScanThatIsFastEnoughIsKept) {
  const RetrievalOptions options{.exact_within = std::chrono::hours(1)};
  const Retrieval scan = Scan(options);
  EXPECT_EQ(scan.near, nullptr);
  EXPECT_GT(scan.exact_seconds, 0);
  EXPECT_EQ(scan.near_seconds, 0);
  EXPECT_FALSE(WantsIndex(scan, options));
  EXPECT_THAT(scan.why, HasSubstr("an exact scan takes"));
}

TEST_F(Retrieving, WithoutTimeToBuildItIsExactAndSaysWhy) {
  using Seconds = std::chrono::duration<double>;
  RetrievalOptions options{.exact_within = Seconds(0), .build_within = Seconds(0)};
  const Retrieval none = Scan(options);
  EXPECT_FALSE(WantsIndex(none, options));
  EXPECT_THAT(none.why, HasSubstr("no time is given"));
  options.build_within = Seconds(1e-6);
  EXPECT_TRUE(WantsIndex(Scan(options), options));
  const Retrieval late = Tried(options);
  EXPECT_EQ(late.near, nullptr);
  EXPECT_THAT(late.why, HasSubstr("s to build"));
}

// Which one is faster here is the machine's affair; that the choice follows from the figures is ours.
TEST_F(Retrieving, TheChoiceFollowsFromWhatWasMeasured) {
  for (const double recall : {0.5, 1.0}) {
    const RetrievalOptions options{
        .exact_within = std::chrono::duration<double>(0), .recall = recall, .k = 20};
    const Retrieval chosen = Tried(options);
    EXPECT_GT(chosen.near_seconds, 0);
    EXPECT_GT(chosen.build_seconds, 0);
    EXPECT_GE(chosen.effort, 20U);
    EXPECT_GE(chosen.most, 20U);
    EXPECT_GT(chosen.recall, 0.2);
    const bool worth = chosen.recall >= recall && chosen.near_seconds * 2 <= chosen.exact_seconds;
    EXPECT_EQ(chosen.near != nullptr, worth) << chosen.why;
    EXPECT_THAT(chosen.why, HasSubstr(worth ? "is used" : "is not used"));
  }
}

TEST_F(Retrieving, WhatIsNotWantedAnyMoreStaysExact) {
  std::stop_source stop;
  stop.request_stop();
  const Retrieval chosen = TryIndex(dense_->items(), kFirstItem, queries_, {}, stop.get_token());
  EXPECT_EQ(chosen.near, nullptr);
  EXPECT_THAT(chosen.why, HasSubstr("not wanted any more"));
}

class NearScores : public Retrieving {
 protected:
  void SetUp() override {
    auto near =
        search::HnswItems::Build(dense_->items().shared_matrix(), {.first_row = kFirstItem});
    ASSERT_TRUE(near.ok());
    (*near)->set_effort(kItems);  // it looks at everything: what it finds is exact
    dense_->set_retrieval({.near = *std::move(near), .most = kItems});
    auto exact = DenseGraph::Make(SumEncoder(vectors_), vectors_);
    ASSERT_TRUE(exact.ok());
    exact_ = *std::move(exact);
  }
  /// The best under `skip` by both; item 7 boosted where `boost` is not 0.
  void ExpectSame(const std::vector<std::uint64_t>& skip, double boost,
                  const search::RowFilter& accept = {}) {
    const std::array<std::int64_t, 3> items = {5, 900, 77};
    const std::vector<Tensor> inputs = {Tensor::Of<std::int64_t>("history", {1, 3}, items)};
    std::array<std::vector<search::RankedItem>, 2> top;
    for (const bool near : {true, false}) {
      DenseMemory memory;
      DenseScores scores(near ? *dense_ : *exact_, memory);
      std::vector<Tensor> encoded;
      ASSERT_TRUE(scores.Ask(inputs, encoded).ok());
      if (boost != 0) {
        scores.Boost(7) += boost;
      }
      scores.FindBest(30, skip, accept, top[near ? 0 : 1]);
    }
    EXPECT_EQ(top[0], top[1]);
    EXPECT_FALSE(top[0].empty());
  }
  std::unique_ptr<DenseGraph> exact_;
};

TEST_F(NearScores, AreTheExactScoresOfWhatWasFound) {
  std::vector<std::uint64_t> skip(search::SkipWords(kItems + kFirstItem), 0);
  skip[0] = 3;
  ExpectSame(skip, 0);
  ExpectSame(skip, 100);
  skip[14] = ~std::uint64_t{0};
  ExpectSame(skip, 0);
}

TEST_F(NearScores, BeyondWhatWasMeasuredTheSearchIsExact) {
  auto near = search::HnswItems::Build(dense_->items().shared_matrix(), {.first_row = kFirstItem});
  ASSERT_TRUE(near.ok());
  (*near)->set_effort(1);  // it would find hardly anything
  dense_->set_retrieval({.near = *std::move(near), .most = 30});
  ExpectSame(std::vector<std::uint64_t>(search::SkipWords(kItems + kFirstItem), 0), 0);
}

TEST_F(NearScores, WhereFewMayBeShownTheSearchIsExact) {
  std::vector<std::uint64_t> skip(search::SkipWords(kItems + kFirstItem), ~std::uint64_t{0});
  skip[3] = 0;
  ExpectSame(skip, 0);
  std::fill(skip.begin(), skip.end(), 0xF0F0F0F0F0F0F0F1);
  ExpectSame(skip, 5);
  const auto one_in_five = [](ItemIndex item) { return item % 5 == 0; };
  std::fill(skip.begin(), skip.end(), 0);
  ExpectSame(skip, 0, search::RowFilter(one_in_five));
}

TEST(Indexing, IsTriedWhileTheVersionServes) {
  FakeLog log;
  const ItemStates items(log);
  const auto model = ServedModel::Make(
      "m:1", DenseParts("m", ItemNames(kItems), RandomVectors(kItems, kWidth), false), log, items,
      1, {.exact_within = std::chrono::duration<double>(0)});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const auto retrieval = [&] { return (*model)->dense()->retrieval(); };
  ASSERT_NE(retrieval(), nullptr);
  EXPECT_GT(retrieval()->exact_seconds, 0);
  const Deadline late = After(std::chrono::seconds(50));
  while (retrieval()->build_seconds == 0 && std::chrono::steady_clock::now() < late) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GT(retrieval()->build_seconds, 0);
  EXPECT_GT(retrieval()->near_seconds, 0) << retrieval()->why;
}

}  // namespace
}  // namespace vitrine::serve
