#include "optimise/study.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::optimise {
namespace {

SearchSpace Space() {
  return *SearchSpace::Make({{"x", Range{0, 1}}, {"y", Range{1, 9, Scale::kLinear, true}}});
}

/// Lines in memory, which outlive every study on them.
class KeptLines final : public StudyLog {
 public:
  Result<std::vector<std::string>> Lines() override { return lines; }
  Status Append(std::string_view line) override {
    lines.emplace_back(line);
    return Status::Ok();
  }
  std::vector<std::string> lines;
};

class StudyTest : public testing::Test {
 protected:
  [[nodiscard]] Study Open(StudyOptions options = {}) {
    auto study = Study::Open(Space(), options, &log_);
    EXPECT_TRUE(study.ok()) << study.status().ToString();
    return *std::move(study);
  }
  static double ValueOf(const Trial& trial) { return 1 - std::abs(trial.point[0] - 0.4); }
  static void RunOne(Study& study) {
    const auto trial = study.Next();
    ASSERT_TRUE(trial.ok()) << trial.status().ToString();
    ASSERT_TRUE(study.End(trial->number, TrialState::kDone, ValueOf(*trial), 1).ok());
  }

  KeptLines log_;
};

TEST_F(StudyTest, AnInterruptedStudyIsTheSameStudy) {
  std::vector<Point> whole;
  {
    auto study = *Study::Open(Space(), {}, nullptr);
    for (int t = 0; t < 20; ++t) {
      RunOne(study);
    }
    for (const Trial& trial : study.trials()) {
      whole.push_back(trial.point);
    }
  }
  for (int t = 0; t < 20; ++t) {
    Study study = Open();  // a process each
    if (t % 3 == 1) {
      ASSERT_TRUE(study.Next().ok());  // and it dies at it
      study = Open();
    }
    RunOne(study);
  }
  const Study study = Open();
  ASSERT_EQ(study.trials().size(), 20U) << "a trial that was not ended is given out again";
  for (std::size_t t = 0; t < 20; ++t) {
    EXPECT_EQ(study.trials()[t].point, whole[t]) << t;
  }
  ASSERT_NE(study.Best(), nullptr);
  EXPECT_GT(study.Best()->value, 0.9);
  EXPECT_EQ(study.Ended(), 20U);
}

TEST_F(StudyTest, AnyPartOfALogIsAStudyAndWhatIsDamagedIsSaid) {
  {
    Study study = Open();
    RunOne(study);
    RunOne(study);
  }
  const std::vector<std::string> whole = log_.lines;
  for (std::size_t left = 0; left < whole.size(); ++left) {
    log_.lines.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(left));
    EXPECT_LE(Open().trials().size(), 2U);
  }
  for (const char* line :
       {"{}", "[]", "x", R"({"trial":5,"value":1})", R"({"trial":0,"point":[1]})",
        R"({"trial":0,"value":1,"state":"running"})"}) {
    log_.lines = whole;
    log_.lines.emplace_back(line);
    const auto study = Study::Open(Space(), {}, &log_);
    EXPECT_EQ(study.status().code(), Code::kDataLoss) << line;
    EXPECT_NE(study.status().message().find("line 6"), std::string::npos)
        << study.status().message();
  }
}

TEST_F(StudyTest, AnotherSpaceSamplerOrSeedIsAnotherStudy) {
  EXPECT_TRUE(Open().trials().empty());
  EXPECT_EQ(Study::Open(Space(), {.seed = 2}, &log_).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Study::Open(Space(), {.sampler = Sampler::kRandom}, &log_).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Study::Open(*SearchSpace::Make({{"x", Range{0, 2}}}), {}, &log_).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Study::Open(Space(), {.eta = 1}, nullptr).status().code(), Code::kInvalidArgument);
}

TEST_F(StudyTest, TrialsThatLagAreStoppedAtTheRungs) {
  Study study = Open({.first_look = 1, .eta = 2});
  const auto look = [&](std::size_t trial, double value) {
    const auto stop = study.Look(trial, value);
    EXPECT_TRUE(stop.ok()) << stop.status().ToString();
    return stop.ok() && *stop;
  };
  for (int t = 0; t < 4; ++t) {
    ASSERT_TRUE(study.Next().ok());
  }
  EXPECT_FALSE(look(0, 0.5)) << "alone, it is the best";
  EXPECT_TRUE(look(1, 0.4)) << "one of two goes on";
  EXPECT_FALSE(look(2, 0.6));
  EXPECT_FALSE(look(2, 0.1)) << "by its best look";
  EXPECT_FALSE(look(2, 0.1)) << "the third is no rung";
  EXPECT_TRUE(look(3, 0.3));
  ASSERT_TRUE(study.End(3, TrialState::kStopped, 0.3, 1).ok());
  EXPECT_EQ(study.Look(3, 0.3).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(study.Look(9, 0.3).status().code(), Code::kNotFound);
  EXPECT_EQ(study.Look(2, std::numeric_limits<double>::quiet_NaN()).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(study.Best(), nullptr) << "none was done";
}

TEST_F(StudyTest, TrialsSideBySideAreDifferentAndFailuresAreNoEnd) {
  Study study = Open();
  for (int t = 0; t < 12; ++t) {
    ASSERT_TRUE(study.Next().ok());
  }
  for (std::size_t t = 0; t < 12; ++t) {
    ASSERT_TRUE(study
                    .End(t, t % 2 == 0 ? TrialState::kFailed : TrialState::kDone, 0.1, 1,
                         t % 2 == 0 ? "out of memory" : "")
                    .ok());
  }
  RunOne(study);
  EXPECT_EQ(study.trials()[0].note, "out of memory");
  for (std::size_t a = 0; a < study.trials().size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      EXPECT_NE(study.trials()[a].point[0], study.trials()[b].point[0]);
    }
  }
}

}  // namespace
}  // namespace vitrine::optimise
