#include "rollout/assignment.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace vitrine::rollout {
namespace {

constexpr int kSubjects = 100'000;

std::string Subject(int i) { return "user-" + std::to_string(i); }

TEST(Assignment, PointsAreUniformOverSubjects) {
  std::array<int, 20> bins{};
  for (int i = 0; i < kSubjects; ++i) {
    const double point = AssignmentPoint("home/7", Subject(i));
    ASSERT_GE(point, 0);
    ASSERT_LT(point, 1);
    ++bins[static_cast<std::size_t>(point * 20)];
  }
  double chi_square = 0;
  for (const int count : bins) {
    chi_square += (count - kSubjects / 20.0) * (count - kSubjects / 20.0) / (kSubjects / 20.0);
  }
  EXPECT_LT(chi_square, 50);  // 19 degrees: above it once in 8,000
}

TEST(Assignment, TwoSaltsSplitIndependently) {
  for (const auto& [one, other] : {std::pair{"home/7", "home/8"}, {"a", "b"}, {"", "x"}}) {
    std::array<std::array<int, 4>, 4> cells{};
    for (int i = 0; i < kSubjects; ++i) {
      const auto row = static_cast<std::size_t>(AssignmentPoint(one, Subject(i)) * 4);
      const auto column = static_cast<std::size_t>(AssignmentPoint(other, Subject(i)) * 4);
      ++cells[row][column];
    }
    double chi_square = 0;
    for (const auto& row : cells) {
      for (const int count : row) {
        chi_square += (count - kSubjects / 16.0) * (count - kSubjects / 16.0) / (kSubjects / 16.0);
      }
    }
    EXPECT_LT(chi_square, 44) << one << " and " << other;  // 15 degrees: above it once in 8,000
  }
}

TEST(Assignment, AGrowingShareOnlyAddsSubjects) {
  std::array<int, 4> treated{};
  for (int i = 0; i < 10'000; ++i) {
    bool before = false;
    std::size_t step = 0;
    for (const double share : {0.01, 0.05, 0.25, 0.5}) {
      const bool now = AssignArm("home/7", Subject(i), share) == Arm::kTreatment;
      EXPECT_TRUE(now || !before) << Subject(i);
      before = now;
      treated[step++] += now ? 1 : 0;
    }
    EXPECT_EQ(AssignArm("home/7", Subject(i), 0), Arm::kControl);
    EXPECT_EQ(AssignArm("home/7", Subject(i), 1), Arm::kTreatment);
  }
  EXPECT_NEAR(treated[0], 100, 40);
  EXPECT_NEAR(treated[2], 2500, 180);
  EXPECT_NEAR(treated[3], 5000, 200);
}

TEST(Assignment, SaltAndSubjectDoNotRunTogether) {
  EXPECT_NE(AssignmentPoint("ab", "c"), AssignmentPoint("a", "bc"));
  EXPECT_NE(AssignmentPoint("", "abc"), AssignmentPoint("abc", ""));
}

// Another value here moves the shoppers of every rollout that is under way.
TEST(Assignment, PointsAreFrozen) {
  EXPECT_DOUBLE_EQ(AssignmentPoint("home/7", "user-1"), 0.09580576292883414);
  EXPECT_DOUBLE_EQ(AssignmentPoint("", ""), 0.5359311414977077);
  EXPECT_EQ(ArmName(Arm::kControl), "control");
  EXPECT_EQ(ArmName(Arm::kTreatment), "treatment");
}

}  // namespace
}  // namespace vitrine::rollout
