#include "data/rules.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "core/nearest_name.h"

namespace vitrine::data {
namespace {

constexpr std::array<std::string_view, 14> kKinds = {"where",           "missing",
                                                     "unknown_event",   "missing_user",
                                                     "missing_item",    "impossible_time",
                                                     "future_time",     "repeated_event_id",
                                                     "exact_duplicate", "near_duplicate",
                                                     "outlier",         "orphan_item",
                                                     "orphan_user",     "bot"};
constexpr std::array<std::string_view, 5> kActions = {"off", "drop", "flag", "default", "fill"};

template <typename T, std::size_t n>
std::optional<T> FindName(const std::array<std::string_view, n>& names, std::string_view name) {
  const auto* found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<T>(found - names.begin()));
}

Rule Make(std::string name, RuleKind kind, RuleAction action) {
  Rule rule;
  rule.name = std::move(name);
  rule.kind = kind;
  rule.action = action;
  return rule;
}

std::vector<Rule> MakeDefaults() {
  std::vector<Rule> rules = {
      Make("unknown_events", RuleKind::kUnknownEvent, RuleAction::kDrop),
      Make("missing_users", RuleKind::kMissingUser, RuleAction::kDrop),
      Make("missing_items", RuleKind::kMissingItem, RuleAction::kDrop),
      Make("impossible_times", RuleKind::kImpossibleTime, RuleAction::kDrop),
      Make("future_times", RuleKind::kFutureTime, RuleAction::kDrop),
      Make("repeated_event_ids", RuleKind::kRepeatedEventId, RuleAction::kDrop),
      Make("exact_duplicates", RuleKind::kExactDuplicate, RuleAction::kDrop),
      Make("near_duplicates", RuleKind::kNearDuplicate, RuleAction::kOff),
      Make("price_outliers", RuleKind::kOutlier, RuleAction::kFlag),
      Make("quantity_outliers", RuleKind::kOutlier, RuleAction::kFlag),
      Make("orphan_items", RuleKind::kOrphanItem, RuleAction::kFlag),
      Make("orphan_users", RuleKind::kOrphanUser, RuleAction::kFlag),
      Make("bots", RuleKind::kBot, RuleAction::kDrop),
  };
  for (Rule& rule : rules) {
    if (rule.kind == RuleKind::kFutureTime) {
      rule.window_seconds = 3600;  // clocks of phones run ahead
    } else if (rule.kind == RuleKind::kNearDuplicate) {
      rule.window_seconds = 2;
    } else if (rule.kind == RuleKind::kOutlier) {
      rule.field = rule.name.substr(0, rule.name.find('_'));
      rule.threshold = 30;  // prices and quantities have long tails: only the absurd
    } else if (rule.kind == RuleKind::kBot) {
      rule.per_hour = 1000;
      rule.per_day = 5000;
    }
  }
  return rules;
}

Status Wrong(const Rule& rule, std::string_view what) {
  return InvalidArgument(fmt::format("rule '{}': {}", rule.name, what));
}

Status CheckOutlier(const Rule& rule) {
  if (!IsNumericEventField(rule.field)) {
    return Wrong(rule, "an outlier rule needs `field`, one of the numbers: quantity, price, ...");
  }
  if (rule.threshold <= 0 && rule.low <= 0 && rule.high >= 1) {
    return Wrong(rule, "an outlier rule needs `threshold` (robust z) or `low`/`high` (quantiles)");
  }
  if (rule.low < 0 || rule.high > 1 || rule.low >= rule.high) {
    return Wrong(rule, "`low` and `high` are quantiles: 0 <= low < high <= 1");
  }
  if (!rule.by.empty() && rule.by != "item_id") {
    return Wrong(rule, "`by` is \"item_id\" or absent");
  }
  return Status::Ok();
}

Status CheckRule(const Rule& rule) {
  const bool repairs = rule.action == RuleAction::kDefault || rule.action == RuleAction::kFill;
  if (repairs && rule.kind != RuleKind::kMissing) {
    return Wrong(rule, "only a rule of kind \"missing\" can set a default or fill");
  }
  switch (rule.kind) {
    case RuleKind::kWhere:
      return IsEventField(rule.test.field) ? Status::Ok()
                                           : Wrong(rule, "it needs `field` and a test");
    case RuleKind::kMissing:
      if (!IsEventField(rule.field)) {
        return Wrong(rule, "a rule of kind \"missing\" needs `field`");
      }
      if (rule.action == RuleAction::kDefault && rule.value.empty()) {
        return Wrong(rule, "action \"default\" needs `value`");
      }
      return Status::Ok();
    case RuleKind::kOutlier:
      return CheckOutlier(rule);
    case RuleKind::kNearDuplicate:
      return rule.window_seconds > 0 ? Status::Ok() : Wrong(rule, "it needs `window_seconds` > 0");
    case RuleKind::kBot:
      return rule.per_hour > 0 || rule.per_day > 0
                 ? Status::Ok()
                 : Wrong(rule, "it needs `per_hour` or `per_day`");
    case RuleKind::kRepeatedEventId:
      return rule.action == RuleAction::kDrop
                 ? Status::Ok()
                 : Wrong(rule, "an event_id counts once; this rule cannot be switched off");
    default:
      return Status::Ok();
  }
}

}  // namespace

std::string_view RuleKindName(RuleKind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }
std::optional<RuleKind> ParseRuleKind(std::string_view name) {
  return FindName<RuleKind>(kKinds, name);
}
std::string_view RuleActionName(RuleAction action) {
  return kActions.at(static_cast<std::size_t>(action));
}
std::optional<RuleAction> ParseRuleAction(std::string_view name) {
  return FindName<RuleAction>(kActions, name);
}

const std::vector<Rule>& DefaultRules() {
  static const std::vector<Rule> rules = MakeDefaults();
  return rules;
}

bool NeedsTime(const Rule& rule) {
  return rule.kind == RuleKind::kImpossibleTime || rule.kind == RuleKind::kFutureTime ||
         rule.kind == RuleKind::kNearDuplicate || rule.kind == RuleKind::kBot ||
         (rule.kind == RuleKind::kWhere && rule.test.field == "ts");
}

Result<std::vector<Rule>> CompleteRules(std::vector<Rule> own, bool with_defaults,
                                        bool time_is_ordinal) {
  std::set<std::string> names;
  for (const Rule& rule : own) {
    RETURN_IF_ERROR(CheckRule(rule));
    if (!names.insert(rule.name).second) {
      return Wrong(rule, "there are two rules of this name");
    }
    if (time_is_ordinal && NeedsTime(rule) && rule.action != RuleAction::kOff) {
      return Wrong(rule,
                   "it needs real time, but the mapping takes ts from the order of the rows; "
                   "leave the rule out or bind ts to a column");
    }
  }
  for (const Rule& rule : DefaultRules()) {
    const bool wanted = with_defaults || rule.kind == RuleKind::kRepeatedEventId;
    if (wanted && !names.contains(rule.name) && !(time_is_ordinal && NeedsTime(rule))) {
      own.push_back(rule);
    }
  }
  if (own.size() > kMaxRules) {
    return InvalidArgument(
        fmt::format("the mapping has {} rules; at most {} are possible", own.size(), kMaxRules));
  }
  return own;
}

const std::vector<std::string>& EventFieldNames() {
  static const std::vector<std::string> names = {
      "event",      "event_id", "user_id",    "anonymous_id", "item_id",  "ts",
      "quantity",   "price",    "position",   "currency",     "order_id", "scene",
      "request_id", "query",    "experiment", "seconds",      "rating",   "replaces"};
  return names;
}

bool IsEventField(std::string_view name) {
  const auto& names = EventFieldNames();
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsNumericEventField(std::string_view name) {
  return name == "quantity" || name == "price" || name == "position" || name == "seconds" ||
         name == "rating" || name == "ts";
}

std::string Describe(const Rule& rule) {
  switch (rule.kind) {
    case RuleKind::kWhere:
      return Describe(rule.test);
    case RuleKind::kMissing:
      return rule.action == RuleAction::kDefault
                 ? fmt::format("{} missing: {}", rule.field, rule.value)
                 : rule.field + " missing";
    case RuleKind::kUnknownEvent:
      return "the event's name is not known";
    case RuleKind::kMissingUser:
      return "neither user_id nor anonymous_id";
    case RuleKind::kMissingItem:
      return "no item_id where the event needs one";
    case RuleKind::kImpossibleTime:
      return "no time, or outside 1990 to 2200";
    case RuleKind::kFutureTime:
      return fmt::format("more than {} s after now", rule.window_seconds);
    case RuleKind::kRepeatedEventId:
      return "an event_id a second time";
    case RuleKind::kExactDuplicate:
      return "equal to an earlier row in every column";
    case RuleKind::kNearDuplicate:
      return fmt::format("same user, item and event within {} s", rule.window_seconds);
    case RuleKind::kOutlier: {
      const std::string within = rule.by.empty() ? "" : " within its item";
      return rule.threshold > 0
                 ? fmt::format("{}: robust z above {}{}", rule.field, rule.threshold, within)
                 : fmt::format("{}: outside quantiles {} to {}{}", rule.field, rule.low, rule.high,
                               within);
    }
    case RuleKind::kOrphanItem:
      return "the item is not in the catalogue";
    case RuleKind::kOrphanUser:
      return "the user is not in the table of users";
    case RuleKind::kBot:
      return fmt::format("user with more than {} events an hour or {} a day", rule.per_hour,
                         rule.per_day);
  }
  return {};
}

}  // namespace vitrine::data
