#include "loop/cron.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>

namespace vitrine::loop {
namespace {

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond;

/// "2026-11-30T04:00:00Z".
Micros At(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  EXPECT_EQ(
      std::sscanf(text.c_str(), "%d-%u-%uT%d:%d:%dZ", &year, &month, &day, &hour, &minute, &second),
      6);
  const std::chrono::sys_days date =
      std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day);
  return {date.time_since_epoch().count() * kMicrosPerDay +
          (hour * 3600 + minute * 60 + second) * kMicrosPerSecond};
}

Cron Of(std::string_view text) {
  const Result<Cron> cron = Cron::Parse(text);
  EXPECT_TRUE(cron.ok()) << cron.status().message();
  return *cron;
}

std::string Next(std::string_view schedule, const std::string& after) {
  return FormatIso(Of(schedule).After(At(after)));
}

TEST(Cron, FindsTheNextMinute) {
  EXPECT_EQ(Next("0 4 * * *", "2026-11-30T03:59:59Z"), "2026-11-30T04:00:00Z");
  EXPECT_EQ(Next("0 4 * * *", "2026-11-30T04:00:00Z"), "2026-12-01T04:00:00Z");
  EXPECT_EQ(Next("*/15 8-18 * * mon-fri", "2026-12-04T18:45:00Z"),  // a Friday
            "2026-12-07T08:00:00Z");
  EXPECT_EQ(Next("0 0 29 2 *", "2026-11-30T00:00:00Z"), "2028-02-29T00:00:00Z");
  EXPECT_EQ(Next("30 6 1 jan,JUL *", "2026-11-30T00:00:00Z"), "2027-01-01T06:30:00Z");
  // Either kind of day: the 13th, and Fridays.
  EXPECT_EQ(Next("0 0 13 * 5", "2026-12-04T12:00:00Z"), "2026-12-11T00:00:00Z");
  EXPECT_EQ(Next("0 0 13 * 5", "2026-12-11T12:00:00Z"), "2026-12-13T00:00:00Z");
  EXPECT_EQ(Next("@weekly", "2026-11-30T00:00:00Z"), Next("0 0 * * 7", "2026-11-30T00:00:00Z"));
  EXPECT_EQ(Next("5/20 * * * *", "2026-11-30T00:06:00Z"), "2026-11-30T00:25:00Z");
}

TEST(Cron, FindsTheLastMinute) {
  const Cron daily = Of("0 4 * * *");
  EXPECT_EQ(FormatIso(daily.NotAfter(At("2026-11-30T04:00:00Z"))), "2026-11-30T04:00:00Z");
  EXPECT_EQ(FormatIso(daily.NotAfter(At("2026-11-30T03:59:59Z"))), "2026-11-29T04:00:00Z");
}

/// Minute by minute.
TEST(Cron, BothDirectionsAgree) {
  for (const char* schedule : {"7,52 */5 * * *", "0 0 */10 * *", "*/25 3 1-7 * 0", "1 1 1 1,12 *",
                               "0-10/5 22-23 28-31 feb,dec sat"}) {
    const Cron cron = Of(schedule);
    const Micros begin = At("2027-01-20T00:00:00Z");
    Micros last = cron.NotAfter(begin);
    for (std::int64_t i = 1; i < 60 * 24 * 60; ++i) {
      const Micros now{begin.value + i * kMinute};
      const Micros newest = cron.NotAfter(now);
      if (newest != last) {
        EXPECT_EQ(newest, now) << schedule;  // seen in its own minute
        EXPECT_EQ(cron.After(last), now) << schedule;
        last = newest;
      }
    }
    EXPECT_GE(cron.After(last).value, begin.value + std::int64_t{60} * 24 * 60 * kMinute);
  }
}

TEST(Cron, SaysWhatIsWrong) {
  const auto refused = [](std::string_view text) { return Cron::Parse(text).status().message(); };
  EXPECT_NE(refused("0 4 * *").find("five fields"), std::string::npos);
  EXPECT_NE(refused("").find("five fields"), std::string::npos);
  EXPECT_NE(refused("60 4 * * *").find("'60' is no minute"), std::string::npos);
  EXPECT_NE(refused("0 4 * * mox").find("day of the week"), std::string::npos);
  EXPECT_NE(refused("0 4 31 2 *").find("never comes"), std::string::npos);
  for (const char* text : {"5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "- * * * *", "/ * * * *",
                           "1- * * * *", "-1 * * * *", "99999999999 * * * *",
                           "*/99999999999 * * * *", "@yearlyish", "* * * * * *"}) {
    EXPECT_EQ(Cron::Parse(text).status().code(), Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace vitrine::loop
