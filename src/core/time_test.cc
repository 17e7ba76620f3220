#include "core/time.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(Time, FormatsIso) {
  EXPECT_EQ(FormatIso({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatIso({1'291'191'960'000'000}), "2010-12-01T08:26:00Z");
  EXPECT_EQ(FormatIso({-1}), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace vitrine
