#include "data/time_notation.h"

#include <gtest/gtest.h>

namespace vitrine::data {
namespace {

std::string Found(const std::vector<std::string>& values) {
  const auto found = FindTimeNotation(values, "UTC");
  return found.ok() ? std::string(TimeNotationName(found->notation)) + " " + found->pattern
                    : found.status().message();
}

TEST(FindTimeNotation, NumbersBySize) {
  EXPECT_EQ(Found({"1700000000", "881250949"}), "unix_s ");
  EXPECT_EQ(Found({"1700000000000"}), "unix_ms ");
  EXPECT_EQ(Found({"1700000000000000"}), "unix_us ");
  EXPECT_NE(Found({"20231114"}).find("not all seconds"), std::string::npos);
  EXPECT_NE(Found({"1700000000", "1700000000000"}).find("not all seconds"), std::string::npos);
}

TEST(FindTimeNotation, Iso) {
  EXPECT_EQ(Found({"2010-12-01 08:26:00"}), "iso8601 ");
  EXPECT_NE(FindTimeNotation({"2010-12-01 08:26:00"}, "UTC")->description.find("taken as UTC"),
            std::string::npos);
  EXPECT_EQ(FindTimeNotation({"2010-12-01T08:26:00+08:00"}, "UTC")->description.find("taken as"),
            std::string::npos);
}

TEST(FindTimeNotation, DayAndMonthByWhatFitsEveryValue) {
  EXPECT_EQ(Found({"01/12/2010 08:26", "13/12/2010 08:26"}), "pattern %d/%m/%Y %H:%M");
  EXPECT_EQ(Found({"12/13/2010"}), "pattern %m/%d/%Y");
  EXPECT_NE(Found({"01/12/2010 08:26"}).find("day first and month first"), std::string::npos);
  EXPECT_NE(Found({"13/13/2010"}).find("neither"), std::string::npos);
  EXPECT_EQ(Found({"2010/12/01 08:26:11"}), "pattern %Y/%m/%d %H:%M:%S");
}

TEST(FindTimeNotation, SaysWhatItCannotRead) {
  EXPECT_NE(Found({}).find("no time at all"), std::string::npos);
  EXPECT_NE(Found({"yesterday"}).find("not of one known format"), std::string::npos);
  EXPECT_NE(Found({"1700000000", "2010-12-01"}).find("not of one known format"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::data
