/// For tests of networks that read histories: a tiny shop whose next item is certain.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "train/model.h"
#include "train/models/sequence_options.h"
#include "train/sequences.h"

namespace vitrine::train {

inline constexpr std::size_t kCycleWidth = 32;

/// Item i is always followed by i + 1; the last one by the first.
inline TrainingSequences Cycle() {
  TrainingSequences sequences{.users = {}, .width = kCycleWidth, .ordinal_time = true};
  for (ItemIndex start = kFirstItem; start < kCycleWidth; ++start) {
    History history;
    ItemIndex item = start;
    for (int i = 0; i < 9; ++i) {
      history.push_back({.item = item});
      item = item + 1 == kCycleWidth ? kFirstItem : item + 1;
    }
    sequences.users.push_back(std::move(history));
  }
  return sequences;
}

inline SequenceOptions SmallTraining(std::int64_t epochs) {
  return {.length = 8,
          .width = 16,
          .dropout = 0.1,
          .negatives = 16,
          .learning_rate = 0.01,
          .batch = 8,
          .epochs = epochs,
          .patience = 100,
          .validate_every = 10,
          .threads = 1};
}

/// Whole, padded, a removed place in the middle, a removed newest place, nothing known.
inline Tensor CycleHistories() {
  const std::array<std::int64_t, 20> items = {5, 6, 7, 8, 0, 0, 9, 10, 4, 0,
                                              6, 7, 3, 4, 5, 0, 0, 1,  0, 0};
  return Tensor::Of<std::int64_t>("history", {5, 4}, items);
}

inline std::vector<float> ScoresOf(const TrainableModel& model, Tensor histories) {
  const std::vector<Tensor> inputs = {std::move(histories)};
  Tensor scores;
  const Status scored = model.Score(inputs, scores);
  EXPECT_TRUE(scored.ok()) << scored.ToString();
  const auto values = scores.values<float>();
  return {values.begin(), values.end()};
}

/// What the cycle teaches is the best item of every history.
inline void ExpectKnowsTheCycle(const TrainableModel& model) {
  const std::vector<float> scores = ScoresOf(model, CycleHistories());
  const auto best = [&scores](std::size_t row) {
    const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(row * kCycleWidth);
    return std::max_element(begin + kFirstItem, begin + kCycleWidth) - begin;
  };
  EXPECT_EQ(best(0), 9);
  EXPECT_EQ(best(1), 11);
  EXPECT_EQ(best(2), 8) << "a removed place in between is not the newest";
  EXPECT_EQ(best(3), 6) << "the newest known place asks where the newest is removed";
}

/// Padding left of a history changes nothing: histories are trained and served at other lengths.
inline void ExpectPaddingChangesNothing(const TrainableModel& model) {
  const std::array<std::int64_t, 6> plain = {5, 6, 7, 20, 0, 9};
  const std::array<std::int64_t, 16> padded = {0, 0, 0, 0, 0, 5, 6, 7, 0, 0, 0, 0, 0, 20, 0, 9};
  const std::vector<float> a = ScoresOf(model, Tensor::Of<std::int64_t>("history", {2, 3}, plain));
  const std::vector<float> b = ScoresOf(model, Tensor::Of<std::int64_t>("history", {2, 8}, padded));
  // A third row of full length keeps the padding of the other two in the batch.
  std::array<std::int64_t, 24> mixed{};
  std::copy(padded.begin(), padded.end(), mixed.begin());
  std::fill(mixed.begin() + 16, mixed.end(), 11);
  const std::vector<float> c = ScoresOf(model, Tensor::Of<std::int64_t>("history", {3, 8}, mixed));
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 1e-5) << i;
    EXPECT_NEAR(a[i], c[i], 1e-5) << i;
  }
}

}  // namespace vitrine::train
