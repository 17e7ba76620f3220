#include "train/models/torch_headers.h"

#include "train/models/sequence_trainer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "graph/full_disk_testing.h"
#include "train/models/sasrec.h"
#include "train/models/sequence_model.h"
#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

SasrecOptions Small(std::int64_t epochs) {
  return {.train = SmallTraining(epochs), .blocks = 1, .heads = 2};
}

/// Everything that a checkpoint must keep is in use.
SasrecOptions Everything(Loss loss) {
  SasrecOptions options = Small(12);
  options.train.loss = loss;
  options.train.average = 0.9;
  options.train.schedule = "cosine";
  options.train.warmup = 2;
  options.train.weight_decay = 0.01;
  return options;
}

class Resume : public testing::TestWithParam<Loss> {};

TEST_P(Resume, ARunContinuedFromItsCheckpointEndsAsAnUninterruptedOne) {
  const SasrecOptions options = Everything(GetParam());
  const auto whole = MakeSasrec(options);
  ASSERT_TRUE(whole->Fit(Cycle(), {.seed = 3}).ok());

  const std::string checkpoint = testing::TempDir() + "sequence_trainer_test.checkpoint";
  std::filesystem::remove(checkpoint);
  std::stop_source stop;
  FitContext context{.seed = 3, .checkpoint = checkpoint, .fingerprint = "a"};
  context.progress.stop = stop.get_token();
  context.progress.report = [&stop](const ProgressReport& report) {
    if (report.done == 5) {
      stop.request_stop();
    }
  };
  EXPECT_EQ(MakeSasrec(options)->Fit(Cycle(), context).status().code(), Code::kCancelled);
  const auto continued = MakeSasrec(options);
  int epochs = 0;
  FitContext again{.seed = 3, .checkpoint = checkpoint, .fingerprint = "a"};
  again.progress.report = [&epochs](const ProgressReport&) { ++epochs; };
  ASSERT_TRUE(continued->Fit(Cycle(), again).ok());
  EXPECT_EQ(epochs, 7);
  EXPECT_EQ(ScoresOf(*continued, CycleHistories()), ScoresOf(*whole, CycleHistories()));

  // Another fit's checkpoint is not taken.
  epochs = 0;
  again.fingerprint = "b";
  ASSERT_TRUE(MakeSasrec(options)->Fit(Cycle(), again).ok());
  EXPECT_EQ(epochs, 12);
  std::filesystem::remove(checkpoint);
}

TEST(SequenceTrainer, ADiskThatFillsKeepsTheLastCheckpointAndTheFitGoesOn) {
  const SasrecOptions options = Everything(Loss::kSampledSoftmax);
  const auto whole = MakeSasrec(options);
  ASSERT_TRUE(whole->Fit(Cycle(), {.seed = 3}).ok());

  const std::string checkpoint = testing::TempDir() + "full_disk_test.checkpoint";
  std::filesystem::remove(checkpoint);
  FitContext context{.seed = 3, .checkpoint = checkpoint, .fingerprint = "a"};
  std::optional<graph::test::FileSizeLimit> full;
  context.progress.report = [&](const ProgressReport& report) {
    if (report.done == 5) {
      // Full but for a little: the last block of the next checkpoint finds no room.
      full.emplace(std::filesystem::file_size(checkpoint) - 100);
    }
  };
  const Status failed = MakeSasrec(options)->Fit(Cycle(), context).status();
  full.reset();
  EXPECT_EQ(failed.code(), Code::kUnavailable) << failed.ToString();
  EXPECT_NE(failed.message().find(checkpoint), std::string::npos) << failed.message();
  EXPECT_NE(failed.message().find("Free space"), std::string::npos) << failed.message();

  int epochs = 0;
  const auto continued = MakeSasrec(options);
  FitContext again{.seed = 3, .checkpoint = checkpoint, .fingerprint = "a"};
  again.progress.report = [&epochs](const ProgressReport&) { ++epochs; };
  ASSERT_TRUE(continued->Fit(Cycle(), again).ok());
  EXPECT_EQ(epochs, 7) << "from the checkpoint of epoch 5";
  EXPECT_EQ(ScoresOf(*continued, CycleHistories()), ScoresOf(*whole, CycleHistories()));
  std::filesystem::remove(checkpoint);
}

INSTANTIATE_TEST_SUITE_P(Losses, Resume, testing::Values(Loss::kSampledSoftmax, Loss::kSoftmax));

/// Every item is followed by i + 1 or, as often, by i + 2.
TrainingSequences Fork(float near, float far) {
  TrainingSequences sequences{.users = {}, .width = kCycleWidth, .ordinal_time = true};
  for (ItemIndex start = kFirstItem; start + 2 < kCycleWidth; ++start) {
    for (const ItemIndex step : {1U, 2U}) {
      sequences.users.push_back({{.item = start}, {.item = start + step}});
      sequences.weights.push_back({1, step == 1 ? near : far});
    }
  }
  return sequences;
}

TEST(SequenceTrainer, OfTwoThatFollowTheHeavierOneComesFirst) {
  const Tensor asked = Tensor::Of<std::int64_t>("history", {1, 1}, std::vector<std::int64_t>{10});
  for (const Loss loss : {Loss::kSoftmax, Loss::kBce}) {
    for (const bool near : {true, false}) {
      SasrecOptions options = Small(40);
      options.train.loss = loss;
      const auto model = MakeSasrec(options);
      ASSERT_EQ(model->Fit(near ? Fork(3, 0.2F) : Fork(0.2F, 3), {.seed = 1}).status(), Status());
      const std::vector<float> scores = ScoresOf(*model, asked);
      EXPECT_EQ(scores[11] > scores[12], near);
    }
  }
}

TEST(SequenceTrainer, WhatWeighsNothingIsNotLearntFrom) {
  const auto fitted = MakeSasrec(Small(2))->Fit(Fork(0, 0), {.seed = 1});
  EXPECT_EQ(fitted.status().code(), Code::kInvalidArgument);
}

TEST(SequenceTrainer, StopsWhenValidationNoLongerImprovesAndKeepsTheBest) {
  SasrecOptions options = Small(100);
  options.train.validate_every = 2;
  options.train.patience = 2;
  const auto model = MakeSasrec(options);
  FitContext context{.seed = 1};
  int calls = 0;
  std::vector<float> at_best;
  context.validate = [&](const TrainableModel& m) -> Result<double> {
    ++calls;
    if (calls == 2) {
      at_best = ScoresOf(m, CycleHistories());
    }
    return calls == 2 ? 0.9 : 0.1;
  };
  const auto outcome = model->Fit(Cycle(), context);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(outcome->chosen.at("epochs"), 4);
  EXPECT_EQ(outcome->best, 0.9);
  EXPECT_EQ(ScoresOf(*model, CycleHistories()), at_best);
}

class Losses : public testing::TestWithParam<Loss> {};

TEST_P(Losses, EveryLossLearnsTheCycle) {
  SasrecOptions options = Small(80);
  options.train.loss = GetParam();
  const auto model = MakeSasrec(options);
  const auto outcome = model->Fit(Cycle(), {.seed = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ExpectKnowsTheCycle(*model);
}

INSTANTIATE_TEST_SUITE_P(All, Losses,
                         testing::Values(Loss::kSampledSoftmax, Loss::kSoftmax, Loss::kBce,
                                         Loss::kGbce, Loss::kBpr));

TEST(SequenceTrainer, SmoothingDecayWarmUpCourseAndAverageStillLearn) {
  SasrecOptions options = Everything(Loss::kSoftmax);
  options.train.epochs = 60;
  options.train.label_smoothing = 0.1;
  const auto model = MakeSasrec(options);
  ASSERT_TRUE(model->Fit(Cycle(), {.seed = 1}).ok());
  ExpectKnowsTheCycle(*model);
}

/// States are the item vectors; from its `bad` forward pass on they are no numbers, or huge.
class Failing final : public SequenceNetwork {
 public:
  Failing(std::int64_t items, int bad, double times)
      : SequenceNetwork(items, 16, 0.1), bad_(bad), times_(times) {
    scale_ = register_parameter("scale", torch::ones({16}));
  }
  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override {
    const bool fails = ++calls_ >= bad_ && history.size(0) > 0;
    return embedded * scale_ * (fails ? times_ : 1.0);
  }
  Status Export(graph::Builder& builder) override {
    builder.SetDoc("none");
    return Status::Ok();
  }

 private:
  int calls_ = 0;
  int bad_;
  double times_;
  torch::Tensor scale_;
};

TEST(SequenceTrainer, ALossThatIsNoNumberOrExplodesNamesEpochAndStepAndKeepsTheCheckpoint) {
  const SequenceOptions options = SmallTraining(12);  // 30 histories, 8 a step: 4 steps an epoch
  const std::string checkpoint = testing::TempDir() + "exploding_test.checkpoint";
  for (const double times : {std::numeric_limits<double>::quiet_NaN(), 1e5}) {
    std::filesystem::remove(checkpoint);
    const auto fit = [&](int bad, int& epochs) {
      FitContext context{.seed = 1, .checkpoint = checkpoint, .fingerprint = "a"};
      context.progress.report = [&epochs](const ProgressReport&) { ++epochs; };
      return MakeSequenceModel(
                 "failing", options,
                 [=](std::int64_t items) { return std::make_shared<Failing>(items, bad, times); })
          ->Fit(Cycle(), context)
          .status();
    };
    int epochs = 0;
    const Status failed = fit(/*bad=*/10, epochs);
    EXPECT_EQ(failed.code(), Code::kDataLoss);
    EXPECT_NE(failed.message().find("epoch 3, step 2"), std::string::npos) << failed.message();
    EXPECT_NE(failed.message().find("checkpoint of epoch 2 stands"), std::string::npos);
    EXPECT_NE(failed.message().find("learning_rate"), std::string::npos);
    EXPECT_EQ(epochs, 2);
    epochs = 0;
    EXPECT_TRUE(fit(/*bad=*/1000, epochs).ok());
    EXPECT_EQ(epochs, 10) << "the run goes on from the last whole epoch";
  }
  std::filesystem::remove(checkpoint);
}

}  // namespace
}  // namespace vitrine::train
