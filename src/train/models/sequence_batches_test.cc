#include "train/models/sequence_batches.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace vitrine::train {
namespace {

History Of(std::initializer_list<ItemIndex> items) {
  History history;
  for (const ItemIndex item : items) {
    history.push_back({.item = item});
  }
  return history;
}

/// Every (item, next item) pair that the batches teach.
std::multiset<std::pair<std::int64_t, std::int64_t>> Pairs(const SequenceBatches& batches,
                                                           std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::multiset<std::pair<std::int64_t, std::int64_t>> pairs;
  for (const auto& windows : batches.Shuffle(random)) {
    const SequenceBatch batch = batches.Make(windows);
    for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
      if (batch.targets[i] != 0) {
        pairs.emplace(batch.inputs[i], batch.targets[i]);
      }
    }
  }
  return pairs;
}

TEST(SequenceBatches, EveryNeighbouringPairIsTaughtOnce) {
  std::mt19937 random(7);
  std::vector<History> users;
  std::multiset<std::pair<std::int64_t, std::int64_t>> expected;
  for (int u = 0; u < 60; ++u) {
    History history;
    const std::size_t size = random() % 23;
    for (std::size_t i = 0; i < size; ++i) {
      history.push_back({.item = 2 + static_cast<ItemIndex>(random() % 50)});
      if (i > 0) {
        expected.emplace(history[i - 1].item, history[i].item);
      }
    }
    users.push_back(std::move(history));
  }
  const SequenceBatches batches(users, 5, 8);
  EXPECT_EQ(batches.targets(), expected.size());
  EXPECT_EQ(Pairs(batches, 1), expected);
  EXPECT_EQ(Pairs(batches, 2), expected);
}

TEST(SequenceBatches, UnknownItemsAreLeftOut) {
  const std::vector<History> users = {Of({2, kUnknownItem, 3})};
  const SequenceBatches batches(users, 5, 8);
  EXPECT_EQ(Pairs(batches, 1), (std::multiset<std::pair<std::int64_t, std::int64_t>>{{2, 3}}));
}

TEST(SequenceBatches, PaddingStandsOnTheLeftOfBothSides) {
  const std::vector<History> users = {Of({2, 3}), Of({4, 5, 6})};
  const SequenceBatches batches(users, 5, 8);
  const std::vector<std::uint32_t> both = {0, 1};
  const SequenceBatch batch = batches.Make(both);
  EXPECT_EQ(batch.length, 2);
  EXPECT_EQ(batch.inputs, (std::vector<std::int64_t>{0, 2, 4, 5}));
  EXPECT_EQ(batch.targets, (std::vector<std::int64_t>{0, 3, 5, 6}));
}

TEST(SequenceBatches, NewestOnlyTeachesEveryPairFromItsOwnBeginning) {
  const std::vector<History> users = {Of({2, 3, 4, 5})};
  const SequenceBatches batches(users, 2, 8, /*newest_only=*/true);
  EXPECT_EQ(batches.targets(), 3U);
  const std::vector<std::uint32_t> all = {0, 1, 2};
  const SequenceBatch batch = batches.Make(all);
  EXPECT_EQ(batch.inputs, (std::vector<std::int64_t>{0, 2, 2, 3, 3, 4}));
  EXPECT_EQ(batch.targets, (std::vector<std::int64_t>{0, 3, 0, 4, 0, 5}));
}

TEST(SequenceBatches, TargetsWeighAroundOneAndNothingIsNoTarget) {
  const std::vector<History> users = {Of({2, 3, 4}), Of({5, kUnknownItem, 6}), Of({7, 8})};
  // What comes first is no target, whatever it weighs.
  const std::vector<std::vector<float>> weights = {{9, 3, 0}, {9, 9, 1}, {9, 0}};
  const SequenceBatches batches(users, 5, 8, /*newest_only=*/false, weights);
  EXPECT_EQ(batches.targets(), 2U);
  ASSERT_EQ(batches.windows(), 2U);  // the third user teaches nothing
  const std::vector<std::uint32_t> both = {0, 1};
  const SequenceBatch batch = batches.Make(both);
  EXPECT_EQ(batch.inputs, (std::vector<std::int64_t>{2, 3, 0, 5}));
  EXPECT_EQ(batch.targets, (std::vector<std::int64_t>{3, 0, 0, 6}));
  EXPECT_EQ(batch.weights, (std::vector<float>{1.5F, 0, 0, 0.5F}));
  const SequenceBatches newest(users, 5, 8, /*newest_only=*/true, weights);
  EXPECT_EQ(newest.targets(), 2U);
  EXPECT_EQ(newest.Make(both).weights, (std::vector<float>{1.5F, 0.5F}));
}

TEST(SequenceBatches, NothingToLearnIsNoBatch) {
  const std::vector<History> users = {Of({2}), Of({}), Of({kUnknownItem, 3})};
  EXPECT_EQ(SequenceBatches(users, 5, 8).windows(), 0U);
}

}  // namespace
}  // namespace vitrine::train
