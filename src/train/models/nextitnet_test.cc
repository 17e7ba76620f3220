#include "train/models/nextitnet.h"

#include <gtest/gtest.h>

#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

TEST(Nextitnet, LearnsWhatFollowsWhat) {
  const auto model = MakeNextitnet({.train = SmallTraining(60), .blocks = 2});
  const auto outcome = model->Fit(Cycle(), {.seed = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ExpectKnowsTheCycle(*model);
  ExpectPaddingChangesNothing(*model);
}

}  // namespace
}  // namespace vitrine::train
