#include "text/tokenise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/chinese_words.h"

namespace vitrine::text {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Tokens(std::string_view text, TokenOptions options = {}) {
  std::vector<std::string> tokens;
  Tokenise(text, options, tokens);
  return tokens;
}

TEST(Tokenise, WordsAreFoldedAndStemmed) {
  EXPECT_THAT(Tokens("Running SHOES, men's!"), ElementsAre("run", "shoe", "men"));
  EXPECT_THAT(Tokens("Running shoes", {.stem = false}), ElementsAre("running", "shoes"));
}

TEST(Tokenise, ModelNumbersStayWhole) {
  EXPECT_THAT(Tokens("5G 8Gen3 006R90321"), ElementsAre("5g", "8gen3", "006r90321"));
}

TEST(Tokenise, FullWidthAndLigaturesAreFolded) {
  EXPECT_THAT(Tokens("ＡＢＣ１２３ ﬁt"), ElementsAre("abc123", "fit"));
  EXPECT_THAT(Tokens("STRASSE Straße"), ElementsAre("strass", "strass"));
}

TEST(Tokenise, ChineseIsCutIntoWords) {
  const auto tokens = Tokens("新款蓝牙无线耳机5G手机");
  EXPECT_THAT(tokens, Contains("蓝牙"));
  EXPECT_THAT(tokens, Contains("耳机"));
  EXPECT_THAT(tokens, Contains("5g"));
  EXPECT_THAT(tokens, Contains("手机"));
  EXPECT_TRUE(ChineseDictionaryLoaded());
}

TEST(Tokenise, OtherScriptsAreKept) {
  EXPECT_THAT(Tokens("Кофе café"), ElementsAre("кофе", "café"));
}

TEST(Tokenise, WhatIsNoTextGivesNothing) {
  EXPECT_THAT(Tokens(""), IsEmpty());
  EXPECT_THAT(Tokens("!!! --- \t\n"), IsEmpty());
  EXPECT_THAT(Tokens("\xff\xfe\xc3"), IsEmpty());
  EXPECT_THAT(Tokens(std::string("a\0b", 3)), ElementsAre("a", "b"));
}

TEST(Tokenise, LongTokensAreCutAtACharacter) {
  const auto tokens = Tokens(std::string(100, 'q') + "é", {.stem = false, .longest = 8});
  EXPECT_THAT(tokens, ElementsAre("qqqqqqqq"));
  EXPECT_THAT(Tokens("ééééé", {.stem = false, .longest = 5}), ElementsAre("éé"));
}

TEST(Normalise, FoldsAndJoinsBlanks) { EXPECT_EQ(Normalise("  Ａ \t b\n"), "a b"); }

}  // namespace
}  // namespace vitrine::text
