#include "data/timestamp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace vitrine::data {
namespace {

constexpr std::int64_t kMoment = 1'700'000'000'000'000;  // 2023-11-14T22:13:20Z

struct Good {
  const char* text;
  std::int64_t micros;
  TimeFormat format;
  bool zone_assumed = false;
};

class ParseTimeGood : public testing::TestWithParam<Good> {};

TEST_P(ParseTimeGood, Reads) {
  const auto parsed = ParseTime(std::string_view(GetParam().text));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->time.value, GetParam().micros);
  EXPECT_EQ(parsed->format, GetParam().format);
  EXPECT_EQ(parsed->zone_assumed, GetParam().zone_assumed);
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, ParseTimeGood,
    testing::Values(Good{"1700000000", kMoment, TimeFormat::kSeconds},
                    Good{"1700000000.25", kMoment + 250'000, TimeFormat::kSeconds},
                    Good{"1700000000.1234567", kMoment + 123'456, TimeFormat::kSeconds},
                    Good{"1700000000000", kMoment, TimeFormat::kMilliseconds},
                    Good{"1700000000000.5", kMoment + 500, TimeFormat::kMilliseconds},
                    Good{"1700000000000001", kMoment + 1, TimeFormat::kMicroseconds},
                    Good{" 1700000000 ", kMoment, TimeFormat::kSeconds},
                    Good{"631152000", 631'152'000'000'000, TimeFormat::kSeconds}));

INSTANTIATE_TEST_SUITE_P(
    Iso, ParseTimeGood,
    testing::Values(Good{"2023-11-14T22:13:20Z", kMoment, TimeFormat::kIso8601},
                    Good{"2023-11-14t22:13:20z", kMoment, TimeFormat::kIso8601},
                    Good{"2023-11-15T06:13:20+08:00", kMoment, TimeFormat::kIso8601},
                    Good{"2023-11-15T06:13:20+08", kMoment, TimeFormat::kIso8601},
                    Good{"2023-11-14 17:43:20 -0430", kMoment, TimeFormat::kIso8601},
                    Good{"20231114T221320Z", kMoment, TimeFormat::kIso8601},
                    Good{"2023-11-14T22:13:20.000001Z", kMoment + 1, TimeFormat::kIso8601},
                    Good{"2023-11-14T22:13:20,5Z", kMoment + 500'000, TimeFormat::kIso8601},
                    Good{"2023-11-14 22:13:20", kMoment, TimeFormat::kIso8601, true},
                    Good{"2023-11-14T22:13", kMoment - 20'000'000, TimeFormat::kIso8601, true},
                    Good{"2023-11-14", 1'699'920'000'000'000, TimeFormat::kIso8601, true},
                    Good{"2023-11-13T24:00:00Z", 1'699'920'000'000'000, TimeFormat::kIso8601},
                    Good{"2016-12-31T23:59:60Z", 1'483'228'800'000'000, TimeFormat::kIso8601},
                    Good{"2024-02-29", 1'709'164'800'000'000, TimeFormat::kIso8601, true}));

struct Bad {
  const char* text;
  const char* says;
};

class ParseTimeBad : public testing::TestWithParam<Bad> {};

TEST_P(ParseTimeBad, IsRefusedWithASentence) {
  const auto parsed = ParseTime(std::string_view(GetParam().text));
  ASSERT_FALSE(parsed.ok()) << FormatIso(parsed->time);
  EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument);
  EXPECT_NE(parsed.status().message().find(GetParam().says), std::string::npos)
      << parsed.status().message();
}

INSTANTIATE_TEST_SUITE_P(
    All, ParseTimeBad,
    testing::Values(
        Bad{"", "empty"}, Bad{"  ", "empty"}, Bad{"yesterday", "not a time"},
        Bad{"0", "not after 1970"}, Bad{"-5", "not after 1970"}, Bad{"86400", "outside 1990"},
        Bad{"9999999999", "outside 1990"}, Bad{"1700000000000000000", "nanoseconds"},
        Bad{"99999999999999999999999", "nanoseconds"}, Bad{"20231114", "dashes"},
        Bad{"1.2.3", "not a time"}, Bad{"1700000000.", "not a time"}, Bad{".5", "not a time"},
        Bad{"2023-02-29", "day that does not exist"}, Bad{"2023-13-01", "day that does not exist"},
        Bad{"2023-11-14T25:00", "time of day"}, Bad{"2023-11-14T24:00:01Z", "time of day"},
        Bad{"2023-11-14T22:61", "time of day"}, Bad{"2023-11-14T22:13:20+25:00", "time zone"},
        Bad{"2023-11-14T22:13:20Zx", "not a time"}, Bad{"2023-11-14T", "not a time"},
        Bad{"2023-1-4", "not a time"}, Bad{"14/11/2023", "not a time"},
        Bad{"1969-12-31T23:59:59Z", "outside 1990"}, Bad{"2300-01-01", "outside 1990"},
        Bad{"2023-11-14T22:13:20.Z", "not a time"}));

TEST(ParseTime, NumbersNeedNoText) {
  EXPECT_EQ(ParseTime(std::int64_t{1'700'000'000})->time.value, kMoment);
  EXPECT_EQ(ParseTime(1'700'000'000.5)->time.value, kMoment + 500'000);
  EXPECT_EQ(ParseTime(1.7e12)->format, TimeFormat::kMilliseconds);
  EXPECT_FALSE(ParseTime(std::nan("")).ok());
  EXPECT_FALSE(ParseTime(std::numeric_limits<double>::infinity()).ok());
  EXPECT_FALSE(ParseTime(-1e300).ok());
  EXPECT_FALSE(ParseTime(std::numeric_limits<std::int64_t>::min()).ok());
}

TEST(ParseTime, WrittenTimesReadBack) {
  for (std::int64_t micros = kEarliestTime.value; micros < kLatestTime.value;
       micros += 86'400'000'000 * 13 + 12'345'678) {
    const auto parsed = ParseTime(FormatIso({micros}));
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    ASSERT_EQ(parsed->time.value, micros);
  }
}

TEST(TimeFormatName, IsStable) {
  EXPECT_EQ(TimeFormatName(TimeFormat::kSeconds), "unix_s");
  EXPECT_EQ(TimeFormatName(TimeFormat::kMilliseconds), "unix_ms");
  EXPECT_EQ(TimeFormatName(TimeFormat::kMicroseconds), "unix_us");
  EXPECT_EQ(TimeFormatName(TimeFormat::kIso8601), "iso8601");
}

}  // namespace
}  // namespace vitrine::data
