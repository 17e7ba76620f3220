#include "monitor/robot_watch.h"

#include <gtest/gtest.h>

#include <string>

namespace vitrine::monitor {
namespace {

constexpr std::int64_t kHour = 3600 * kMicrosPerSecond;

int Beyond(RobotWatch& watch, const std::string& user, int events, std::int64_t hour) {
  int beyond = 0;
  for (int i = 0; i < events; ++i) {
    beyond += watch.Saw(user, {hour * kHour + i}) ? 1 : 0;
  }
  return beyond;
}

TEST(RobotWatchTest, CountsWhatIsBeyondAThousandAnHour) {
  RobotWatch watch;
  EXPECT_EQ(Beyond(watch, "robot", 1500, 10), 500);
  EXPECT_EQ(Beyond(watch, "person", 1000, 10), 0);
  EXPECT_EQ(Beyond(watch, "", 5000, 10), 0) << "nobody";
  EXPECT_EQ(Beyond(watch, "robot", 900, 11), 0) << "another hour begins anew";
  EXPECT_EQ(Beyond(watch, "robot", 5000, 10), 0) << "an hour that has passed";
  EXPECT_EQ(Beyond(watch, "robot", 200, 11), 100);
}

TEST(RobotWatchTest, ARobotAmongMoreUsersThanItHoldsIsSeenAndNoPersonIsTakenForOne) {
  RobotWatch watch;
  constexpr int kPeople = 100'000;
  constexpr int kRobot = 1500;
  int robot = 0;
  int people = 0;
  for (int i = 0; i < 10 * kPeople; ++i) {
    people += watch.Saw("person" + std::to_string(i % kPeople), {kHour + i}) ? 1 : 0;
    if (i % (10 * kPeople / kRobot) == 0) {
      robot += watch.Saw("robot", {kHour + i}) ? 1 : 0;
    }
  }
  EXPECT_EQ(people, 0);
  const int short_by = (10 * kPeople + kRobot) / static_cast<int>(RobotWatch::kUsers) + 1;
  EXPECT_GE(robot, kRobot - static_cast<int>(RobotWatch::kPerHour) - short_by);
  EXPECT_LE(robot, kRobot - static_cast<int>(RobotWatch::kPerHour) + 1);
}

}  // namespace
}  // namespace vitrine::monitor
