#include "monitor/diagnosis/diagnosis_text.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/diagnosis/diagnose.h"
#include "monitor/diagnosis/diagnosis_json.h"
#include "monitor/diagnosis/evidence_testing.h"

namespace vitrine::monitor {
namespace {

bool Chinese(std::string_view text) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
      return true;
    }
  }
  return false;
}

void ExpectBoth(std::string_view english, std::string_view chinese) {
  EXPECT_FALSE(english.empty());
  EXPECT_FALSE(Chinese(english)) << english;
  EXPECT_TRUE(Chinese(chinese)) << chinese << " of " << english;
}

void ExpectName(std::string_view name, std::set<std::string_view>& names) {
  EXPECT_FALSE(name.empty());
  EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos)
      << name;
  EXPECT_TRUE(names.insert(name).second) << name << " stands twice";
}

TEST(DiagnosisText, EveryCodeHasItsTextsInBothLanguages) {
  EXPECT_TRUE(CauseTextsInOrder());
  EXPECT_TRUE(LookTextsInOrder());
  EXPECT_TRUE(QuantityTextsInOrder());
  EXPECT_TRUE(StepTextsInOrder());
  std::set<std::string_view> questions;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const auto question = static_cast<Question>(i);
    ExpectName(QuestionName(question), questions);
    EXPECT_EQ(ParseQuestion(QuestionName(question)), question);
    ExpectBoth(QuestionText(question, Language::kEnglish),
               QuestionText(question, Language::kChinese));
  }
  EXPECT_FALSE(ParseQuestion("why").has_value());
  std::set<std::string_view> causes;
  for (std::size_t i = 0; i < kCauseCodes; ++i) {
    const auto code = static_cast<CauseCode>(i);
    ExpectName(CauseName(code), causes);
    ExpectBoth(CauseSentence(code, Language::kEnglish), CauseSentence(code, Language::kChinese));
  }
  std::set<std::string_view> looks;
  for (std::size_t i = 0; i < kLooks; ++i) {
    const auto look = static_cast<Look>(i);
    ExpectName(LookName(look), looks);
    ExpectBoth(LookText(look, Language::kEnglish), LookText(look, Language::kChinese));
    ExpectBoth(NotLookedAtText(look, Language::kEnglish),
               NotLookedAtText(look, Language::kChinese));
  }
  std::set<std::string_view> quantities;
  for (std::size_t i = 0; i < kQuantities; ++i) {
    const auto quantity = static_cast<Quantity>(i);
    ExpectName(QuantityName(quantity), quantities);
    ExpectBoth(QuantityText(quantity, Language::kEnglish),
               QuantityText(quantity, Language::kChinese));
  }
  for (std::size_t i = 0; i < kSteps; ++i) {
    const auto step = static_cast<Step>(i);
    ExpectBoth(StepText(step, Language::kEnglish), StepText(step, Language::kChinese));
    if (!StepCommand(step).empty()) {
      EXPECT_EQ(StepCommand(step).substr(0, 8), "vitrine ") << StepCommand(step);
    }
  }
}

TEST(DiagnosisJson, FieldsAreStable) {
  Evidence e;
  e.start.exit_status = 6;
  e.start.port_in_use = true;
  e.start.hash_matches = true;
  const auto json =
      nlohmann::json::parse(ToJson(Examine(Question::kDoesNotStart, e), Language::kEnglish));
  EXPECT_EQ(json["question"], "does_not_start");
  ASSERT_EQ(json["causes"].size(), 1U);
  const auto& cause = json["causes"][0];
  EXPECT_EQ(cause["code"], "port_in_use");
  EXPECT_EQ(cause["confidence"], 0.95);
  EXPECT_EQ(cause["text"], "Another program listens at the port.");
  EXPECT_EQ(cause["healthy"][0]["name"], "hash");
  EXPECT_EQ(cause["next"][0]["command"], "vitrine --set server.listen=127.0.0.1:0 up");
  for (const char* field : {"name", "text", "subject", "before", "after", "unit", "detail"}) {
    EXPECT_TRUE(cause["evidence"][0].contains(field)) << field;
  }
  EXPECT_TRUE(cause["evidence"][0]["before"].is_null());
  EXPECT_EQ(json["not_looked_at"][0]["text"], "Could not look at whether it started");
  const auto chinese =
      nlohmann::json::parse(ToJson(Examine(Question::kDoesNotStart, e), Language::kChinese));
  EXPECT_EQ(chinese["causes"][0]["text"], "端口已被其他程序占用。");
}

TEST(DiagnosisJson, WhatAProgramPrintedNeedNotBeUtf8) {
  Evidence e;
  e.start.exit_status = 1;
  e.start.text = "\xff\xfe";
  EXPECT_TRUE(
      nlohmann::json::accept(ToJson(Examine(Question::kDoesNotStart, e), Language::kEnglish)));
}

}  // namespace
}  // namespace vitrine::monitor
