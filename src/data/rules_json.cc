#include "data/rules_json.h"

#include <fmt/format.h>

namespace vitrine::data {

using nlohmann::json;

json RulesToJson(const std::vector<Rule>& rules) {
  json out = json::array();
  for (const Rule& rule : rules) {
    json one = {{"name", rule.name},
                {"kind", RuleKindName(rule.kind)},
                {"action", RuleActionName(rule.action)}};
    if (rule.kind == RuleKind::kWhere) {
      one["field"] = rule.test.field;
      one["test"] = TestName(rule.test.test);
      one["texts"] = rule.test.texts;
      one["number"] = rule.test.number;
    } else if (!rule.field.empty()) {
      one["field"] = rule.field;
    }
    const auto put = [&one](const char* key, const auto& value, const auto& none) {
      if (value != none) {
        one[key] = value;
      }
    };
    put("value", rule.value, std::string());
    put("window_seconds", rule.window_seconds, 0.0);
    put("threshold", rule.threshold, 0.0);
    put("low", rule.low, 0.0);
    put("high", rule.high, 1.0);
    put("by", rule.by, std::string());
    put("per_hour", rule.per_hour, std::int64_t{0});
    put("per_day", rule.per_day, std::int64_t{0});
    out.push_back(std::move(one));
  }
  return out;
}

namespace {

Result<Rule> RuleFromJson(const json& one) {
  Rule rule;
  rule.name = one.value("name", "");
  const auto kind = ParseRuleKind(one.value("kind", ""));
  const auto action = ParseRuleAction(one.value("action", ""));
  if (!kind || !action) {
    return InvalidArgument(
        fmt::format("rule '{}' is of a kind or action that this version does not "
                    "know; it was written by a newer one",
                    rule.name));
  }
  rule.kind = *kind;
  rule.action = *action;
  if (rule.kind == RuleKind::kWhere) {
    const auto test = ParseTestKind(one.value("test", ""));
    if (!test) {
      return InvalidArgument(fmt::format("rule '{}' has an unknown test", rule.name));
    }
    rule.test = {one.value("field", ""), *test, one.value("texts", std::vector<std::string>()),
                 one.value("number", 0.0)};
  } else {
    rule.field = one.value("field", "");
  }
  rule.value = one.value("value", "");
  rule.window_seconds = one.value("window_seconds", 0.0);
  rule.threshold = one.value("threshold", 0.0);
  rule.low = one.value("low", 0.0);
  rule.high = one.value("high", 1.0);
  rule.by = one.value("by", "");
  rule.per_hour = one.value("per_hour", std::int64_t{0});
  rule.per_day = one.value("per_day", std::int64_t{0});
  return rule;
}

}  // namespace

Result<std::vector<Rule>> RulesFromJson(const json& rules) {
  std::vector<Rule> out;
  try {
    for (const json& one : rules) {
      ASSIGN_OR_RETURN(Rule rule, RuleFromJson(one));
      out.push_back(std::move(rule));
    }
  } catch (const json::exception& error) {
    return InvalidArgument(fmt::format("rules cannot be read: {}", error.what()));
  }
  return out;
}

}  // namespace vitrine::data
