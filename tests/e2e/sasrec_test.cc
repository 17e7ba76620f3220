// The same road with the self-attention model, which takes minutes to train.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/programs.h"
#include "e2e/served_as_evaluated.h"

namespace vitrine::e2e {
namespace {

TEST(BeautySasrec, IsGoodEnoughAndServedAsEvaluated) {
  if (TestData("data/amazon-beauty").empty()) {
    GTEST_SKIP() << "the data set amazon-beauty is not on this machine (VITRINE_TEST_DATA)";
  }
  const Folder folder;
  const auto run = RunBeauty(folder.path(), {"sasrec"});
  ASSERT_EQ(run.exit_code, 0) << run.last_error_lines;
  const auto outcome =
      nlohmann::json::parse(run.output.substr(run.output.find('{')), nullptr, false);
  ASSERT_TRUE(outcome.is_object()) << run.output.substr(0, 400);
  const auto& metrics = outcome["candidates"][0]["metrics"];
  EXPECT_GE(metrics["ndcg@10"]["mean"].get<double>(), 0.0470);
  EXPECT_GE(metrics["recall@10"]["mean"].get<double>(), 0.0800);
  ExpectServedAsEvaluated(folder.path(), {"sasrec"});
}

}  // namespace
}  // namespace vitrine::e2e
