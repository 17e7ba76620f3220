#include "train/models/bert4rec.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

/// The cycle in histories of every length, as shops have them: it learns of a window as long as it stands.
TrainingSequences CycleOfAllLengths() {
  TrainingSequences sequences = Cycle();
  const std::size_t whole = sequences.users.size();
  for (std::size_t u = 0; u < whole; ++u) {
    for (const std::size_t length : {2U, 3U, 5U}) {
      const History& history = sequences.users[u];
      sequences.users.emplace_back(history.begin(),
                                   history.begin() + static_cast<std::ptrdiff_t>(length));
    }
  }
  return sequences;
}

TEST(Bert4rec, LearnsWhatFollowsWhat) {
  SequenceOptions train = SmallTraining(120);
  train.learning_rate = 0.003;
  train.dropout = 0;
  for (const Loss loss : {Loss::kSoftmax, Loss::kSampledSoftmax}) {
    SCOPED_TRACE(static_cast<int>(loss));
    train.loss = loss;
    const auto model = MakeBert4rec({.train = train, .blocks = 1});
    const auto outcome = model->Fit(CycleOfAllLengths(), {.seed = 1});
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    ExpectKnowsTheCycle(*model);
    ExpectPaddingChangesNothing(*model);
  }
}

// It asks from behind the newest known place, however many were removed after that.
TEST(Bert4rec, RemovedNewestPlacesAreAsIfTheyHadNeverBeen) {
  const auto model = MakeBert4rec({.train = SmallTraining(2), .blocks = 1});
  ASSERT_TRUE(model->Fit(Cycle(), {.seed = 1}).ok());
  const std::array<std::int64_t, 5> removed = {5, 0, 9, 0, 1};
  const std::array<std::int64_t, 3> without = {5, 0, 9};
  const auto a = ScoresOf(*model, Tensor::Of<std::int64_t>("history", {1, 5}, removed));
  const auto b = ScoresOf(*model, Tensor::Of<std::int64_t>("history", {1, 3}, without));
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 1e-5) << i;
  }
}

// Every place of a step is hidden.
TEST(Bert4rec, NothingToSeeIsStillLearntFrom) {
  SequenceOptions train = SmallTraining(20);
  train.mask = 1;
  train.mask_newest = 0;
  for (const Loss loss : {Loss::kSoftmax, Loss::kSampledSoftmax}) {
    train.loss = loss;
    const auto model = MakeBert4rec({.train = train, .blocks = 1});
    const TrainingSequences one{
        .users = {{{.item = 5}, {.item = 9}}}, .width = kCycleWidth, .ordinal_time = true};
    const auto outcome = model->Fit(one, {.seed = 1});
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
  }
}

TEST(Bert4rec, EqualSeedsGiveEqualBits) {
  const auto fit = [] {
    auto model = MakeBert4rec({.train = SmallTraining(3)});
    EXPECT_TRUE(model->Fit(Cycle(), {.seed = 7}).ok());
    return ScoresOf(*model, CycleHistories());
  };
  EXPECT_EQ(fit(), fit());
}

}  // namespace
}  // namespace vitrine::train
