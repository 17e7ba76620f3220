#include "train/models/sequence_batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
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
  const SequenceBatches batches(users, 2, 8, Learn::kNewest);
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
  const SequenceBatches batches(users, 5, 8, Learn::kNext, weights);
  EXPECT_EQ(batches.targets(), 2U);
  ASSERT_EQ(batches.windows(), 2U);  // the third user teaches nothing
  const std::vector<std::uint32_t> both = {0, 1};
  const SequenceBatch batch = batches.Make(both);
  EXPECT_EQ(batch.inputs, (std::vector<std::int64_t>{2, 3, 0, 5}));
  EXPECT_EQ(batch.targets, (std::vector<std::int64_t>{3, 0, 0, 6}));
  EXPECT_EQ(batch.weights, (std::vector<float>{1.5F, 0, 0, 0.5F}));
  const SequenceBatches newest(users, 5, 8, Learn::kNewest, weights);
  EXPECT_EQ(newest.targets(), 2U);
  EXPECT_EQ(newest.Make(both).weights, (std::vector<float>{1.5F, 0.5F}));
}

/// The windows with their hidden places told.
std::vector<std::int64_t> Told(const SequenceBatch& batch) {
  std::vector<std::int64_t> items = batch.inputs;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (batch.inputs[i] == kMaskedItem) {
      items[i] = batch.targets[i];
    } else {
      EXPECT_EQ(batch.targets[i], 0) << "only what is hidden is a target";
    }
  }
  return items;
}

TEST(SequenceBatches, HiddenPlacesAreAsManyAsAskedAndTold) {
  std::vector<History> users(400, Of({2, 3, 4, 5, 6, 7}));
  users.push_back(Of({8, 9}));
  const SequenceBatches batches(users, 9, 401, Learn::kMasked);
  std::vector<std::uint32_t> all(batches.windows());
  std::iota(all.begin(), all.end(), 0U);
  std::mt19937_64 random(3);
  const SequenceBatch batch = batches.MakeMasked(all, 0.5, 0, random);
  ASSERT_EQ(batch.length, 6);
  const std::vector<std::int64_t> told = Told(batch);
  EXPECT_EQ(std::vector<std::int64_t>(told.begin(), told.begin() + 6),
            (std::vector<std::int64_t>{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(std::vector<std::int64_t>(told.end() - 6, told.end()),
            (std::vector<std::int64_t>{0, 0, 0, 0, 8, 9}));
  // 2,400 draws of .5, and the newest place where none was hidden: 1 in 64.
  const auto hidden = std::count(batch.inputs.begin(), batch.inputs.end(), kMaskedItem);
  EXPECT_NEAR(static_cast<double>(hidden), 1200 + 400.0 / 64, 4 * std::sqrt(600.0));

  const SequenceBatch newest = batches.MakeMasked(all, 0.5, 1, random);
  EXPECT_EQ(Told(newest), told);
  for (std::size_t i = 0; i < newest.inputs.size(); ++i) {
    EXPECT_EQ(newest.inputs[i] == kMaskedItem, i % 6 == 5) << i;
  }
}

TEST(SequenceBatches, WhatWeighsNothingIsNotHidden) {
  const std::vector<History> users = {Of({2, 3, 4}), Of({5, 6})};
  const std::vector<std::vector<float>> weights = {{3, 1, 0}, {0, 0}};
  const SequenceBatches batches(users, 5, 8, Learn::kMasked, weights);
  ASSERT_EQ(batches.windows(), 1U);
  EXPECT_EQ(batches.targets(), 2U);
  std::mt19937_64 random(1);
  const std::vector<std::uint32_t> one = {0};
  const SequenceBatch every = batches.MakeMasked(one, 1, 0, random);
  EXPECT_EQ(every.inputs, (std::vector<std::int64_t>{kMaskedItem, kMaskedItem, 4}));
  EXPECT_EQ(every.targets, (std::vector<std::int64_t>{2, 3, 0}));
  EXPECT_EQ(every.weights, (std::vector<float>{1.5F, 0.5F, 0}));
  const SequenceBatch newest = batches.MakeMasked(one, 0.5, 1, random);
  EXPECT_EQ(newest.inputs, (std::vector<std::int64_t>{2, kMaskedItem, 4}));
}

TEST(SequenceBatches, NothingToLearnIsNoBatch) {
  const std::vector<History> users = {Of({2}), Of({}), Of({kUnknownItem, 3})};
  EXPECT_EQ(SequenceBatches(users, 5, 8).windows(), 0U);
}

}  // namespace
}  // namespace vitrine::train
