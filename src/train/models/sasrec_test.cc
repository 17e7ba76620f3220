#include "train/models/sasrec.h"

#include <gtest/gtest.h>

#include <array>

#include "train/models/sequence_testing.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

SasrecOptions Small(std::int64_t epochs) {
  return {.train = SmallTraining(epochs), .blocks = 1, .heads = 2};
}

TEST(Sasrec, LearnsWhatFollowsWhat) {
  for (const char* block : {"sasrec", "ligr"}) {
    SCOPED_TRACE(block);
    SasrecOptions options = Small(60);
    options.block = block;
    const auto model = MakeSasrec(options);
    const auto outcome = model->Fit(Cycle(), {.seed = 1});
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    ExpectKnowsTheCycle(*model);
    ExpectPaddingChangesNothing(*model);
  }
}

TEST(Sasrec, RefusesWhatItCannotLearnOrRead) {
  const auto model = MakeSasrec(Small(1));
  TrainingSequences empty{.users = {{{.item = 2}}}, .width = kCycleWidth};
  EXPECT_EQ(model->Fit(empty, {}).status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(model->Fit(Cycle(), {}).ok());
  Tensor scores;
  const std::array<std::int64_t, 1> outside = {kCycleWidth};
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
