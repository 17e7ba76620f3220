// Which rules a contract has.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "monitor/contract/learn_contract.h"

namespace vitrine::monitor {
namespace {

/// Fewer rows say next to nothing of a share.
constexpr double kLeastRows = 100;
/// A value of fewer rows has no share of its own worth watching.
constexpr double kLeastLevelShare = 0.005;
constexpr double kMarginSeconds = 60;
/// Of rows from the future and of refused rows: clocks and senders are never perfect.
constexpr double kStandardShare = 0.01;

constexpr std::array kWordFields = {EventField::kEvent, EventField::kCurrency, EventField::kScene,
                                    EventField::kExperiment};

ContractRule Rule(ContractKind kind, const std::string& event, std::string_view field,
                  std::string_view what) {
  ContractRule rule;
  rule.kind = kind;
  rule.event = event;
  rule.field = field;
  for (const std::string_view part : {std::string_view(event), field, what}) {
    if (!part.empty()) {
      rule.id += (rule.id.empty() ? "" : ".") + std::string(part);
    }
  }
  return rule;
}

void ProposeField(const EventFacts& event, const FieldFacts& field,
                  std::vector<ContractRule>& out) {
  const std::string_view name = EventFieldName(field.field);
  if (field.present == 0 || field.field == EventField::kEvent) {
    return;
  }
  out.push_back(Rule(ContractKind::kMissing, event.event, name, "missing"));
  if (!IsNumber(field.field) || field.present < kLeastRows) {
    return;
  }
  ContractRule range = Rule(ContractKind::kRange, event.event, name, "range");
  range.at_least = field.low;
  range.at_most = field.high;
  out.push_back(std::move(range));
  if (field.positive >= kLeastRows && field.high > field.low) {
    out.push_back(Rule(ContractKind::kMean, event.event, name, "mean"));
  }
}

void ProposeWords(const FieldFacts& field, std::vector<ContractRule>& out) {
  const std::string_view name = EventFieldName(field.field);
  if (field.levels.empty() || field.present < kLeastRows) {
    return;
  }
  ContractRule known = Rule(ContractKind::kValues, "", name, "values");
  double once = 0;
  for (const auto& [value, rows] : field.levels) {
    known.values.push_back(value);
    once += rows == 1 ? 1 : 0;
  }
  known.expected = once / field.present;  // Good and Turing's share of what was not seen yet
  out.push_back(std::move(known));
  for (const auto& [value, rows] : field.levels) {
    if (field.levels.size() > 1 && rows >= kLeastLevelShare * field.present) {
      ContractRule share = Rule(ContractKind::kValueShare, "", name, value + ".share");
      share.values = {value};
      out.push_back(std::move(share));
    }
  }
}

void ProposeOfAll(const FeedFacts& facts, const EventFacts& all, std::vector<ContractRule>& out) {
  bool price = false;
  bool currency = false;
  for (const FieldFacts& field : all.fields) {
    if (std::find(kWordFields.begin(), kWordFields.end(), field.field) != kWordFields.end()) {
      ProposeWords(field, out);
    }
    if (IsId(field.field) && field.present >= kLeastRows) {
      out.push_back(Rule(ContractKind::kDigits, "", EventFieldName(field.field), "digits"));
    }
    price = price || (field.field == EventField::kPrice && field.present >= kLeastRows);
    currency = currency || (field.field == EventField::kCurrency && field.present >= kLeastRows);
  }
  out.push_back(Rule(ContractKind::kDuplicates, "", "", "duplicates"));
  if (facts.catalogue) {
    out.push_back(Rule(ContractKind::kKnownItems, "", "item_id", "unknown"));
    if (price) {
      out.push_back(Rule(ContractKind::kPriceAgrees, "", "price", "against_catalogue"));
    }
    if (currency) {
      out.push_back(Rule(ContractKind::kCurrencyAgrees, "", "currency", "against_catalogue"));
    }
  }
  if (facts.users) {
    out.push_back(Rule(ContractKind::kKnownUsers, "", "user_id", "unknown"));
  }
}

void AddStandard(std::vector<ContractRule>& out) {
  for (const auto& [kind, name] : {std::pair(ContractKind::kFuture, "from_the_future"),
                                   std::pair(ContractKind::kRefused, "refused")}) {
    ContractRule rule = Rule(kind, "", "", name);
    rule.origin = "standard";
    rule.margin_seconds = kind == ContractKind::kFuture ? kMarginSeconds : 0;
    rule.hour = rule.day = Tolerance{.low = 0, .high = kStandardShare, .rows = 0};
    out.push_back(std::move(rule));
  }
}

/// What decides which rows a rule counts; tolerances come later.
void KeepDefinition(const ContractRule& was, ContractRule& rule) {
  rule.pinned = was.pinned;
  if (was.Pinned("at_least")) {
    rule.at_least = was.at_least;
  }
  if (was.Pinned("at_most")) {
    rule.at_most = was.at_most;
  }
  if (was.Pinned("values")) {
    rule.values = was.values;
  }
  if (was.Pinned("margin_seconds")) {
    rule.margin_seconds = was.margin_seconds;
  }
  if (was.Pinned("enabled")) {
    rule.enabled = was.enabled;
  }
}

void KeepTolerance(const ContractRule& was, ContractRule& rule) {
  for (const Grain grain : {Grain::kHour, Grain::kDay}) {
    const std::string name(GrainName(grain));
    const std::optional<Tolerance>& before = was.Of(grain);
    std::optional<Tolerance>& now = grain == Grain::kHour ? rule.hour : rule.day;
    if (before.has_value() && was.Pinned(name + ".low")) {
      now = now.value_or(*before);
      now->low = before->low;
    }
    if (before.has_value() && was.Pinned(name + ".high")) {
      now = now.value_or(*before);
      now->high = before->high;
    }
  }
  if (was.Pinned("expected")) {
    rule.expected = was.expected;
  }
  if (was.Pinned("pattern")) {
    rule.pattern = was.pattern;
  }
  if (was.Pinned("deviation")) {
    rule.deviation = was.deviation;
  }
}

void Sort(std::vector<ContractRule>& rules) {
  std::sort(rules.begin(), rules.end(),
            [](const ContractRule& a, const ContractRule& b) { return a.id < b.id; });
}

}  // namespace

DataContract ProposeContract(const FeedFacts& facts, const DataContract* current) {
  DataContract out;
  out.learned = facts.from;
  out.columns = facts.columns;
  for (const EventFacts& event : facts.events) {
    if (event.event.empty()) {
      ProposeOfAll(facts, event, out.rules);
    } else if (event.rows >= kLeastRows) {
      for (const FieldFacts& field : event.fields) {
        ProposeField(event, field, out.rules);
      }
    }
    if (!facts.ordinal && event.rows >= kLeastRows) {
      out.rules.push_back(Rule(ContractKind::kVolume, event.event, "", "volume"));
    }
  }
  if (!facts.ordinal) {
    out.rules.push_back(Rule(ContractKind::kSilence, "", "", "silence"));
  }
  AddStandard(out.rules);
  if (current != nullptr) {
    KeepPinned(*current, out);
  }
  Sort(out.rules);
  return out;
}

void KeepPinned(const DataContract& current, DataContract& learned) {
  learned.alpha = current.alpha;
  for (const ContractRule& was : current.rules) {
    const auto found = std::find_if(learned.rules.begin(), learned.rules.end(),
                                    [&was](const ContractRule& rule) { return rule.id == was.id; });
    const bool new_kind = found != learned.rules.end() && found->kind != was.kind;
    if (found == learned.rules.end() || was.origin != "learned" || new_kind) {
      // A learned rule that the data no longer suggest goes, unless somebody has touched it.
      if (was.origin != "learned" || !was.pinned.empty()) {
        if (found != learned.rules.end()) {
          *found = was;
        } else {
          learned.rules.push_back(was);
        }
      }
      continue;
    }
    KeepDefinition(was, *found);
    KeepTolerance(was, *found);
  }
  Sort(learned.rules);
}

}  // namespace vitrine::monitor
