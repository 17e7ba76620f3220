#include "explain/phrases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "explain/sentence.h"

namespace vitrine::explain {
namespace {

std::set<std::string> HolesOf(std::string_view text) {
  std::set<std::string> holes;
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '{' && text[i + 2] == '}') {
      holes.emplace(text.substr(i, 3));
    }
  }
  return holes;
}

TEST(Phrases, BothLanguagesSayTheSameThings) {
  for (int p = 0; p <= static_cast<int>(Phrase::kLast); ++p) {
    const Words words = WordsOf(static_cast<Phrase>(p));
    EXPECT_FALSE(words.english.empty());
    EXPECT_NE(words.english, words.chinese);
    EXPECT_EQ(HolesOf(words.english), HolesOf(words.chinese)) << words.english;
    EXPECT_TRUE(std::any_of(words.chinese.begin(), words.chinese.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0x80U) != 0;
    })) << words.chinese;
  }
}

TEST(Phrases, ValuesStandWhereTheyBelongAndMayHoldBraces) {
  EXPECT_EQ(Say(Phrase::kGained, Language::kEnglish, {"event {1}", "1 %", "2 %"}),
            "event {1} gained: 1 % before, 2 % now");
  EXPECT_EQ(Say(Phrase::kIsHiddenByRule, Language::kChinese, {"夏"}), "店铺规则“夏”隐藏了它");
  EXPECT_EQ(Say(Phrase::kIsHiddenByRule, Language::kEnglish), "The shop's rule \"\" hides it");
}

TEST(Phrases, EveryCauseOfAbsenceHasWordsOfItsOwn) {
  std::set<std::string> english;
  std::set<std::string> chinese;
  for (int c = 0; c <= static_cast<int>(serve::AbsenceCause::kOutranked); ++c) {
    const serve::AbsenceReason why{.cause = static_cast<serve::AbsenceCause>(c), .rule = "r"};
    english.insert(Sentence(why, Language::kEnglish));
    chinese.insert(Sentence(why, Language::kChinese));
  }
  const std::size_t causes = static_cast<std::size_t>(serve::AbsenceCause::kOutranked) + 1;
  EXPECT_EQ(english.size(), causes);
  EXPECT_EQ(chinese.size(), causes);
  EXPECT_EQ(Sentence(serve::AbsenceReason{.cause = serve::AbsenceCause::kMovedByRules},
                     Language::kEnglish),
            "The shop's rules put others before it");
}

TEST(Phrases, AnAttributeIsTheUsersOrTheRequests) {
  serve::Reason reason{.kind = serve::ReasonKind::kFeature, .feature = "user.level"};
  reason.contribution = 1;
  EXPECT_EQ(Sentence(reason, "", "", Language::kEnglish), "Because of your level");
  reason.contribution = -1;
  EXPECT_EQ(Sentence(reason, "", "", Language::kChinese), "因为你的 level，分数降低");
  reason.feature = "context.hour";
  EXPECT_EQ(Sentence(reason, "", "", Language::kEnglish),
            "Counts less because of the request's hour");
}

}  // namespace
}  // namespace vitrine::explain
