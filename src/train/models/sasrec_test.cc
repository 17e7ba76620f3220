#include "train/models/sasrec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "train/sequences.h"

namespace vitrine::train {
namespace {

constexpr std::size_t kWidth = 32;

/// Item i is always followed by i + 1; the last one by the first.
TrainingSequences Cycle() {
  TrainingSequences sequences{.users = {}, .width = kWidth, .ordinal_time = true};
  for (ItemIndex start = kFirstItem; start < kWidth; ++start) {
    History history;
    ItemIndex item = start;
    for (int i = 0; i < 9; ++i) {
      history.push_back({.item = item});
      item = item + 1 == kWidth ? kFirstItem : item + 1;
    }
    sequences.users.push_back(std::move(history));
  }
  return sequences;
}

SasrecOptions Small(std::int64_t epochs) {
  return {.length = 8,
          .width = 16,
          .blocks = 1,
          .heads = 2,
          .dropout = 0.1,
          .learning_rate = 0.01,
          .batch = 8,
          .negatives = 16,
          .epochs = epochs,
          .patience = 100,
          .validate_every = 10,
          .threads = 1};
}

Tensor Histories() {
  // Whole, padded, a removed place in the middle, a removed newest place, nothing known.
  const std::array<std::int64_t, 20> items = {5, 6, 7, 8, 0, 0, 9, 10, 4, 0,
                                              6, 7, 3, 4, 5, 0, 0, 1,  0, 0};
  return Tensor::Of<std::int64_t>("history", {5, 4}, items);
}

std::vector<float> ScoresOf(const TrainableModel& model) {
  const std::vector<Tensor> inputs = {Histories()};
  Tensor scores;
  const Status scored = model.Score(inputs, scores);
  EXPECT_TRUE(scored.ok()) << scored.ToString();
  const auto values = scores.values<float>();
  return {values.begin(), values.end()};
}

TEST(Sasrec, LearnsWhatFollowsWhat) {
  const auto model = MakeSasrec(Small(60));
  const auto outcome = model->Fit(Cycle(), {.seed = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  const std::vector<float> scores = ScoresOf(*model);
  const auto best = [&scores](std::size_t row) {
    const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(row * kWidth);
    return std::max_element(begin + kFirstItem, begin + kWidth) - begin;
  };
  EXPECT_EQ(best(0), 9);
  EXPECT_EQ(best(1), 11);
  EXPECT_EQ(best(2), 8) << "a removed place in between is not the newest";
  EXPECT_EQ(best(3), 6) << "the newest known place asks where the newest is removed";
}

TEST(Sasrec, ARunContinuedFromItsCheckpointEndsAsAnUninterruptedOne) {
  const auto whole = MakeSasrec(Small(12));
  ASSERT_TRUE(whole->Fit(Cycle(), {.seed = 3}).ok());

  const std::string checkpoint = testing::TempDir() + "sasrec_test.checkpoint";
  std::filesystem::remove(checkpoint);
  std::stop_source stop;
  FitContext context{.seed = 3, .checkpoint = checkpoint, .fingerprint = "a"};
  context.progress.stop = stop.get_token();
  context.progress.report = [&stop](const ProgressReport& report) {
    if (report.done == 5) {
      stop.request_stop();
    }
  };
  EXPECT_EQ(MakeSasrec(Small(12))->Fit(Cycle(), context).status().code(), Code::kCancelled);
  const auto continued = MakeSasrec(Small(12));
  int epochs = 0;
  FitContext again{.seed = 3, .checkpoint = checkpoint, .fingerprint = "a"};
  again.progress.report = [&epochs](const ProgressReport&) { ++epochs; };
  ASSERT_TRUE(continued->Fit(Cycle(), again).ok());
  EXPECT_EQ(epochs, 7);
  EXPECT_EQ(ScoresOf(*continued), ScoresOf(*whole));

  // Another fit's checkpoint is not taken.
  epochs = 0;
  again.fingerprint = "b";
  ASSERT_TRUE(MakeSasrec(Small(12))->Fit(Cycle(), again).ok());
  EXPECT_EQ(epochs, 12);
  std::filesystem::remove(checkpoint);
}

TEST(Sasrec, StopsWhenValidationNoLongerImprovesAndKeepsTheBest) {
  SasrecOptions options = Small(100);
  options.validate_every = 2;
  options.patience = 2;
  const auto model = MakeSasrec(options);
  FitContext context{.seed = 1};
  int calls = 0;
  std::vector<float> at_best;
  context.validate = [&](const TrainableModel& m) -> Result<double> {
    ++calls;
    if (calls == 2) {
      at_best = ScoresOf(m);
    }
    return calls == 2 ? 0.9 : 0.1;
  };
  const auto outcome = model->Fit(Cycle(), context);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(outcome->chosen.at("epochs"), 4);
  EXPECT_EQ(outcome->best, 0.9);
  EXPECT_EQ(ScoresOf(*model), at_best);
}

TEST(Sasrec, RefusesWhatItCannotLearnOrRead) {
  const auto model = MakeSasrec(Small(1));
  TrainingSequences empty{.users = {{{.item = 2}}}, .width = kWidth};
  EXPECT_EQ(model->Fit(empty, {}).status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(model->Fit(Cycle(), {}).ok());
  Tensor scores;
  const std::array<std::int64_t, 1> outside = {kWidth};
  const std::vector<Tensor> wrong = {Tensor::Of<std::int64_t>("history", {1, 1}, outside)};
  EXPECT_EQ(model->Score(wrong, scores).code(), Code::kInvalidArgument);
  EXPECT_EQ(model->Score({}, scores).code(), Code::kInvalidArgument);
}

TEST(Sasrec, HeadsMustDivideTheWidth) {
  const ModelFactory factory = SasrecFactory();
  const auto parameters = Parameters::Resolve(
      factory.parameters, {{"width", std::int64_t{10}}, {"heads", std::int64_t{4}}});
  ASSERT_TRUE(parameters.ok());
  EXPECT_EQ(factory.create(*parameters).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::train
