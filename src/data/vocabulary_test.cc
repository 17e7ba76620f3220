#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "data/test_features.h"

namespace vitrine::data {
namespace {
using namespace test;  // NOLINT(google-build-using-namespace): the helpers of this folder

TEST(Vocabulary, FindsEveryIdAndNothingElse) {
  const Vocabulary vocabulary({"b", "10", "a", "2"});
  EXPECT_EQ(vocabulary.width(), 6U);
  EXPECT_EQ(vocabulary.Find("b"), 2U);
  EXPECT_EQ(vocabulary.Find("10"), 3U);
  EXPECT_EQ(vocabulary.Find("2"), 5U);
  EXPECT_EQ(vocabulary.Find("c"), kUnknownItem);
  EXPECT_EQ(vocabulary.Find(""), kUnknownItem);
  EXPECT_EQ(vocabulary.Id(4), "a");
  EXPECT_EQ(vocabulary.Id(kPaddingItem), "");
  EXPECT_EQ(vocabulary.Id(6), "");
}

TEST(Vocabulary, ACopyOutlivesItsSource) {
  auto first = std::make_unique<Vocabulary>(std::vector<std::string>{"x", "y"});
  const Vocabulary copy = *first;
  first.reset();
  EXPECT_EQ(copy.Find("y"), 3U);
}

TEST(Vocabulary, TextRoundTrip) {
  const Vocabulary vocabulary({"é", "a b", "1"});
  const Result<Vocabulary> parsed = Vocabulary::Parse(vocabulary.ToText());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->ids(), vocabulary.ids());
  EXPECT_EQ(Vocabulary::Parse("")->width(), 2U);
}

TEST(Vocabulary, RefusesCutFilesEmptyLinesAndRepeats) {
  EXPECT_EQ(Vocabulary::Parse("a\nb").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Vocabulary::Parse("a\n\nb\n").status().code(), Code::kInvalidArgument);
  const Status twice = Vocabulary::Parse("a\nb\na\n").status();
  EXPECT_EQ(twice.code(), Code::kInvalidArgument);
  EXPECT_NE(twice.message().find("'a'"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::data
