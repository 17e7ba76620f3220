#include "train/models/gru4rec.h"

#include <gtest/gtest.h>

#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

TEST(Gru4rec, LearnsWhatFollowsWhatWithEitherCell) {
  for (const char* cell : {"gru", "lstm"}) {
    SCOPED_TRACE(cell);
    const auto model = MakeGru4rec({.train = SmallTraining(60), .hidden = 24, .cell = cell});
    const auto outcome = model->Fit(Cycle(), {.seed = 1});
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    ExpectKnowsTheCycle(*model);
    ExpectPaddingChangesNothing(*model);
  }
}

}  // namespace
}  // namespace vitrine::train
