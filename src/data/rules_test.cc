#include "data/rules.h"

#include <gtest/gtest.h>

#include "data/rules_json.h"

namespace vitrine::data {
namespace {

Rule Where(const std::string& name) {
  Rule rule;
  rule.name = name;
  rule.test = {"price", TestKind::kAtMost, {}, 0};
  return rule;
}

TEST(CompleteRules, OwnRulesComeFirstAndReplaceDefaultsByName) {
  Rule bots = DefaultRules().back();
  bots.action = RuleAction::kFlag;
  const auto rules = CompleteRules({Where("free"), bots}, true, false);
  ASSERT_TRUE(rules.ok());
  EXPECT_EQ(rules->at(0).name, "free");
  EXPECT_EQ(rules->at(1).action, RuleAction::kFlag);
  EXPECT_EQ(rules->size(), DefaultRules().size() + 1);
}

TEST(CompleteRules, AnEventIdCountsOnceWhateverTheMappingSays) {
  const auto rules = CompleteRules({}, false, false);
  ASSERT_TRUE(rules.ok());
  ASSERT_EQ(rules->size(), 1U);
  EXPECT_EQ(rules->at(0).kind, RuleKind::kRepeatedEventId);
  Rule off = rules->at(0);
  off.action = RuleAction::kOff;
  EXPECT_FALSE(CompleteRules({off}, false, false).ok());
}

TEST(CompleteRules, RefusesWhatCannotWork) {
  EXPECT_FALSE(CompleteRules({Where("a"), Where("a")}, true, false).ok());
  Rule fill = Where("f");
  fill.action = RuleAction::kFill;
  EXPECT_FALSE(CompleteRules({fill}, true, false).ok());
  Rule unknown = Where("u");
  unknown.test.field = "colour";
  EXPECT_FALSE(CompleteRules({unknown}, true, false).ok());
  std::vector<Rule> many;
  for (std::size_t i = 0; i <= kMaxRules; ++i) {
    many.push_back(Where("r" + std::to_string(i)));
  }
  EXPECT_FALSE(CompleteRules(many, false, false).ok());
}

TEST(RulesJson, ComeBackAsTheyWere) {
  std::vector<Rule> rules = DefaultRules();
  rules.push_back(Where("free"));
  rules.back().test = {"item_id", TestKind::kNotMatches, {"^[0-9]{5}"}, 0};
  const auto back = RulesFromJson(RulesToJson(rules));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, rules);
  auto newer = RulesToJson(rules);
  newer[0]["kind"] = "telepathy";
  EXPECT_EQ(RulesFromJson(newer).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::data
