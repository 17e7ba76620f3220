#include "train/models/caser.h"

#include <gtest/gtest.h>

#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

TEST(Caser, LearnsWhatFollowsWhat) {
  const auto model =
      MakeCaser({.train = SmallTraining(60), .window = 3, .horizontal = 8, .vertical = 2});
  const auto outcome = model->Fit(Cycle(), {.seed = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ExpectKnowsTheCycle(*model);
  ExpectPaddingChangesNothing(*model);
}

}  // namespace
}  // namespace vitrine::train
