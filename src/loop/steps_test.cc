#include "loop/steps.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace vitrine::loop {
namespace {

class StepsTest : public testing::Test {
 protected:
  ~StepsTest() override { std::filesystem::remove_all(folder_); }
  static ChildCommand Shell(std::string script) {
    return {.program = "/bin/sh", .arguments = {"-c", std::move(script)}};
  }
  std::string folder_ = testing::TempDir() + "steps_test";
};

TEST_F(StepsTest, ADoneStepIsNotRunAgain) {
  const std::string count = "echo x >> " + folder_ + "/runs; wc -l < " + folder_ + "/runs";
  {
    Steps steps(folder_, {});
    std::filesystem::create_directories(folder_);
    EXPECT_EQ(steps.Run("clean", Shell(count)).value(), "1\n");
  }
  Steps resumed(folder_, {});
  EXPECT_EQ(resumed.Run("clean", Shell(count)).value(), "1\n");
  EXPECT_EQ(resumed.Run("train", Shell(count)).value(), "2\n");
}

TEST_F(StepsTest, WhatWasSeenOnceIsSeenAgain) {
  int looks = 0;
  const auto look = [&]() -> Result<std::string> {
    ++looks;
    return looks == 1 ? Result<std::string>(Unavailable("not yet"))
                      : Result<std::string>(std::to_string(looks));
  };
  EXPECT_FALSE(Steps(folder_, {}).Once("look", look).ok());
  EXPECT_EQ(Steps(folder_, {}).Once("look", look).value(), "2");
  EXPECT_EQ(Steps(folder_, {}).Once("look", look).value(), "2");
  EXPECT_EQ(looks, 2);
}

TEST_F(StepsTest, AFailedStepLeavesNoResultAndNamesItself) {
  Steps steps(folder_, {});
  const auto failed = steps.Run("train", Shell("echo 'no rows' >&2; exit 2"));
  EXPECT_EQ(failed.status(), InvalidArgument("train: no rows"));
  EXPECT_EQ(steps.Run("train", Shell("echo ok")).value(), "ok\n");
}

TEST_F(StepsTest, ChildProgressIsPassedOnUnderTheStepsName) {
  std::vector<ProgressReport> reports;
  Steps steps(folder_, {.report = [&](const ProgressReport& r) { reports.push_back(r); }});
  const auto line = ProgressJsonLine({"epoch", 2, 9, "epochs", "loss \"5\""}, 3);
  ASSERT_TRUE(steps.Run("train", Shell("printf '%s' '" + line + "' >&2; echo text >&2")).ok());
  ASSERT_EQ(reports.size(), 3U);  // started, the child's line, done
  EXPECT_EQ(reports[1].stage, "train: epoch");
  EXPECT_EQ(reports[1].total, 9);
  EXPECT_EQ(reports[1].detail, "loss \"5\"");
}

TEST(ProgressLine, WhatIsNoneIsAMessage) {
  ProgressReport report;
  for (const char* line : {"", "text", "{", "[]", "{}", R"({"progress":1})"}) {
    EXPECT_FALSE(ParseProgressLine(line, report)) << line;
  }
}

}  // namespace
}  // namespace vitrine::loop
