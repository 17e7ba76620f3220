#include "train/models/torch_headers.h"

#include "train/models/row_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "train/models/deepfm.h"
#include "train/models/mlp.h"
#include "train/models/row_model.h"
#include "train/models/row_testing.h"

namespace vitrine::train {
namespace {

/// Everything that a checkpoint must keep is in use.
DeepFmOptions Everything(StepRule optimiser) {
  RowOptions train = SmallRowTraining(6);
  train.optimiser = optimiser;
  train.weight_decay = 0.001;
  train.vector_decay = 0.001;
  train.dropout = 0.2;
  train.average = 0.9;
  train.checks = 2;
  train.patience = 100;
  return {.train = train, .hidden = {8}};
}

class Resume : public testing::TestWithParam<StepRule> {};

TEST_P(Resume, ARunContinuedFromItsCheckpointEndsBitForBitAsAnUninterruptedOne) {
  const SimulatedRows rows = EvenPairs(600, 1);
  const SimulatedRows later = EvenPairs(200, 2);
  const auto whole = MakeDeepFm(Everything(GetParam()));
  const auto outcome = whole->Fit(rows.rows, &later.rows, {.seed = 3});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();

  const std::string checkpoint = testing::TempDir() + "row_trainer_test.checkpoint";
  std::filesystem::remove(checkpoint);
  std::stop_source stop;
  RankerContext context{.seed = 3, .chosen = {}, .checkpoint = checkpoint, .fingerprint = "a"};
  context.progress.stop = stop.get_token();
  context.progress.report = [&stop](const ProgressReport& report) {
    if (report.done == 2.5) {
      stop.request_stop();
    }
  };
  EXPECT_EQ(
      MakeDeepFm(Everything(GetParam()))->Fit(rows.rows, &later.rows, context).status().code(),
      Code::kCancelled);
  int rounds = 0;
  RankerContext again{.seed = 3, .chosen = {}, .checkpoint = checkpoint, .fingerprint = "a"};
  again.progress.report = [&rounds](const ProgressReport&) { ++rounds; };
  const auto continued = MakeDeepFm(Everything(GetParam()));
  const auto ended = continued->Fit(rows.rows, &later.rows, again);
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(rounds, static_cast<int>(outcome->notes.at("epochs") * 2) - 5);
  EXPECT_EQ(ended->chosen, outcome->chosen);
  EXPECT_EQ(ended->best, outcome->best);
  EXPECT_EQ(ProbabilitiesOf(*continued, later.rows.features),
            ProbabilitiesOf(*whole, later.rows.features));

  // Another fit's checkpoint is not taken.
  rounds = 0;
  again.fingerprint = "b";
  ASSERT_TRUE(MakeDeepFm(Everything(GetParam()))->Fit(rows.rows, &later.rows, again).ok());
  EXPECT_EQ(rounds, static_cast<int>(outcome->notes.at("epochs") * 2));
  std::filesystem::remove(checkpoint);
}

INSTANTIATE_TEST_SUITE_P(Optimisers, Resume,
                         testing::Values(StepRule::kAdam, StepRule::kAdamW, StepRule::kSgd));

TEST(RowTrainer, EqualSeedsGiveEqualBitsAndOthersDoNot) {
  const SimulatedRows rows = EvenPairs(500, 1);
  const auto fitted = [&rows](std::uint64_t seed) {
    const auto ranker = MakeDeepFm(Everything(StepRule::kAdam));
    EXPECT_TRUE(ranker->Fit(rows.rows, nullptr, {.seed = seed}).ok());
    return ProbabilitiesOf(*ranker, rows.rows.features);
  };
  EXPECT_EQ(fitted(1), fitted(1));
  EXPECT_NE(fitted(1), fitted(2));
}

/// Of what Score answers, row by row.
double SlowLogLoss(const std::vector<float>& probabilities, const LabelledRows& rows) {
  double sum = 0;
  double weight = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    const double w = rows.weights.empty() ? 1 : rows.weights[i];
    sum -= w * std::log(rows.labels[i] == 1 ? p : 1 - p);
    weight += w;
  }
  return sum / weight;
}

TEST(RowTrainer, StopsWhereTheWatchedRowsNoLongerGainAndKeepsTheBestWeights) {
  // Few rows and many numbers: it learns them by heart, and the later rows show it.
  const SimulatedRows rows = EvenPairs(150, 1);
  SimulatedRows later = EvenPairs(400, 2);
  for (std::size_t i = 0; i < later.rows.rows(); ++i) {
    later.rows.weights.push_back(i % 2 == 0 ? 1.0F : 3.0F);
  }
  RowOptions options = SmallRowTraining(400);
  options.batch = 32;
  options.checks = 2;
  options.patience = 8;
  const auto ranker = MakeMlp({.train = options});
  const auto outcome = ranker->Fit(rows.rows, &later.rows, {.seed = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_LT(outcome->notes.at("epochs"), 400);
  EXPECT_EQ(outcome->notes.at("epochs"), outcome->chosen.at("epochs") + 4);
  const std::vector<float> kept = ProbabilitiesOf(*ranker, later.rows.features);
  EXPECT_NEAR(outcome->best, SlowLogLoss(kept, later.rows), 1e-5);
  // As many epochs without watched rows end at the same weights.
  const auto again = MakeMlp({.train = options});
  const auto repeated = again->Fit(rows.rows, nullptr, {.seed = 1, .chosen = outcome->chosen});
  ASSERT_TRUE(repeated.ok());
  EXPECT_EQ(repeated->chosen, outcome->chosen);
  EXPECT_EQ(ProbabilitiesOf(*again, later.rows.features), kept);
}

TEST(RowTrainer, RowsWeighAsMuchAsTheirCopiesWould) {
  // A tenth of the rows, with labels turned round, outweighs the others.
  SimulatedRows rows = EvenPairs(3000, 1);
  for (std::size_t i = 0; i < rows.rows.rows(); ++i) {
    const bool turned = i % 10 == 0;
    rows.rows.weights.push_back(turned ? 40.0F : 1.0F);
    rows.rows.labels[i] = turned ? 1 - rows.rows.labels[i] : rows.rows.labels[i];
  }
  const auto ranker = MakeMlp({.train = SmallRowTraining(25)});
  ASSERT_TRUE(ranker->Fit(rows.rows, nullptr, {.seed = 1}).ok());
  EXPECT_LT(AucOf(*ranker, EvenPairs(800, 2).rows), 0.3);
}

TEST(RowTrainer, AveragedWeightsLearnToo) {
  RowOptions options = SmallRowTraining(20);
  options.average = 0.98;
  options.optimiser = StepRule::kAdamW;
  const auto ranker = MakeMlp({.train = options});
  ASSERT_TRUE(ranker->Fit(EvenPairs(4000, 1).rows, nullptr, {.seed = 1}).ok());
  const SimulatedRows others = EvenPairs(1500, 2);
  EXPECT_GT(AucOf(*ranker, others.rows), SlowAuc(others.rows.labels, others.truth) - 0.03);
}

TEST(RowTrainer, BadRowsAreRefusedWithColumnAndRow) {
  const auto refused = [](const LabelledRows& rows) {
    return MakeMlp({.train = SmallRowTraining(1)})->Fit(rows, nullptr, {}).status();
  };
  SimulatedRows made = EvenPairs(50, 1);
  made.rows.features[1].values<std::int64_t>()[7] = 9;
  EXPECT_EQ(refused(made.rows),
            InvalidArgument("mlp: row 7 of column 'b' holds 9, outside its 9 values"));
  SimulatedRows numbers = LikeSigns(50, 1);
  numbers.rows.features[2].values<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refused(numbers.rows),
            InvalidArgument("mlp: row 3 of column 'z' is nan, no finite number"));
  SimulatedRows places = OnePlaceMatters(50, 1);
  places.rows.features[1].values<std::int64_t>()[2 * kPlaces + 1] = -1;
  EXPECT_EQ(refused(places.rows),
            InvalidArgument("mlp: row 2 of column 'history' holds -1, outside its 42 values"));
  SimulatedRows alike = EvenPairs(50, 1);
  alike.rows.labels.assign(50, 1);
  EXPECT_EQ(refused(alike.rows).code(), Code::kInvalidArgument);
  EXPECT_NE(refused(alike.rows).message().find("all 50 labels are 1"), std::string::npos);
  SimulatedRows weighed = EvenPairs(50, 1);
  weighed.rows.weights.assign(50, 1.0F);
  weighed.rows.weights[4] = -1;
  EXPECT_NE(refused(weighed.rows).message().find("row 4 is -1"), std::string::npos);
  EXPECT_EQ(refused({}).code(), Code::kInvalidArgument);
}

TEST(RowTrainer, ScoreRefusesWhatTheRowsWereNot) {
  const auto ranker = MakeMlp({.train = SmallRowTraining(1)});
  std::vector<float> probabilities;
  const SimulatedRows made = EvenPairs(50, 1);
  EXPECT_EQ(ranker->Score(made.rows.features, probabilities).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(ranker->Fit(made.rows, nullptr, {}).ok());
  EXPECT_EQ(ranker->Score({}, probabilities).code(), Code::kInvalidArgument);
  EXPECT_EQ(ranker->Score(LikeSigns(5, 1).rows.features, probabilities).code(),
            Code::kInvalidArgument);
}

/// Its logits are no numbers, or huge, from the `bad` step on.
class Failing final : public RowNetwork {
 public:
  Failing(RowLayout layout, int bad, double times)
      : RowNetwork(std::move(layout), 2, 0.1), bad_(bad), times_(times) {}
  torch::Tensor forward(const RowVectors& rows) override {
    const bool fails = is_training() && ++calls_ >= bad_;
    return rows.levels.flatten(1).sum(1) * (fails ? times_ : 1.0);
  }
  graph::Value Write(NetworkGraph& /*graph*/, const RowValues& rows) override {
    return rows.levels[0];
  }

 private:
  int calls_ = 0;
  int bad_;
  double times_;
};

TEST(RowTrainer, ALossThatIsNoNumberOrExplodesNamesTheEpochAndKeepsTheCheckpoint) {
  const SimulatedRows rows = EvenPairs(256, 1);  // four steps an epoch
  const std::string checkpoint = testing::TempDir() + "failing_row_test.checkpoint";
  const RowOptions options = SmallRowTraining(6);
  for (const double times : {std::numeric_limits<double>::quiet_NaN(), 1e5}) {
    std::filesystem::remove(checkpoint);
    const auto fit = [&](int bad, int& rounds) {
      RankerContext context{.seed = 1, .chosen = {}, .checkpoint = checkpoint, .fingerprint = "a"};
      context.progress.report = [&rounds](const ProgressReport&) { ++rounds; };
      return MakeRowModel("failing", "", options,
                          [=](RowLayout layout) -> Result<std::shared_ptr<RowNetwork>> {
                            return std::shared_ptr<RowNetwork>(
                                std::make_shared<Failing>(std::move(layout), bad, times));
                          })
          ->Fit(rows.rows, nullptr, context)
          .status();
    };
    int rounds = 0;
    const Status failed = fit(/*bad=*/9, rounds);
    EXPECT_EQ(failed.code(), Code::kInternal) << failed.ToString();
    EXPECT_NE(failed.message().find("epoch 3"), std::string::npos) << failed.message();
    EXPECT_NE(failed.message().find("checkpoint after 2 epochs stands"), std::string::npos);
    EXPECT_NE(failed.message().find("learning_rate"), std::string::npos);
    EXPECT_EQ(rounds, 2);
    rounds = 0;
    EXPECT_TRUE(fit(/*bad=*/1000, rounds).ok());
    EXPECT_EQ(rounds, 4) << "the run goes on from the last whole epoch";
  }
  std::filesystem::remove(checkpoint);
}

}  // namespace
}  // namespace vitrine::train
