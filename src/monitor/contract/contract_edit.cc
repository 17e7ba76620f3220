// What a person's edit pins, and what differs between two versions.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "monitor/contract/contract_json.h"

namespace vitrine::monitor {
namespace {

std::string Number(double value) { return fmt::format("{:.6g}", value); }
std::string Number(const std::optional<double>& value) {
  return value.has_value() ? Number(*value) : "";
}
std::string Bound(const std::optional<Tolerance>& tolerance, double Tolerance::* side) {
  return tolerance.has_value() ? Number((*tolerance).*side) : "";
}

/// The value of a pinnable field as text.
std::string ValueOf(const ContractRule& rule, std::string_view field) {
  if (field == "at_least") {
    return Number(rule.at_least);
  }
  if (field == "at_most") {
    return Number(rule.at_most);
  }
  if (field == "day.low") {
    return Bound(rule.day, &Tolerance::low);
  }
  if (field == "day.high") {
    return Bound(rule.day, &Tolerance::high);
  }
  if (field == "hour.low") {
    return Bound(rule.hour, &Tolerance::low);
  }
  if (field == "hour.high") {
    return Bound(rule.hour, &Tolerance::high);
  }
  if (field == "deviation") {
    return Number(rule.deviation);
  }
  if (field == "enabled") {
    return rule.enabled ? "true" : "false";
  }
  if (field == "expected") {
    return Number(rule.expected);
  }
  if (field == "margin_seconds") {
    return Number(rule.margin_seconds);
  }
  if (field == "values") {
    return fmt::format("{}", fmt::join(rule.values, ", "));
  }
  std::string text;  // the pattern
  for (const double rows : rule.pattern) {
    text += (text.empty() ? "" : " ") + Number(rows);
  }
  return text;
}

bool Same(const ContractRule& a, const ContractRule& b, std::string_view field) {
  return ValueOf(a, field) == ValueOf(b, field);
}

}  // namespace

DataContract Edited(const DataContract& current, DataContract given) {
  given.learned = current.learned;  // where numbers came from is not a person's to say
  given.columns = current.columns;
  for (ContractRule& rule : given.rules) {
    const ContractRule* was = current.Find(rule.id);
    if (was == nullptr || was->kind != rule.kind) {
      rule.origin = "person";
      continue;
    }
    rule.origin = was->origin;
    rule.event = was->event;
    rule.field = was->field;
    rule.repeats = was->repeats;
    for (const std::string& field : PinnableFields()) {
      if (!Same(*was, rule, field) && !rule.Pinned(field)) {
        rule.pinned.push_back(field);
      }
    }
    std::sort(rule.pinned.begin(), rule.pinned.end());
  }
  for (const ContractRule& was : current.rules) {
    if (given.Find(was.id) == nullptr && was.origin != "person") {
      ContractRule off = was;
      off.enabled = false;
      if (!off.Pinned("enabled")) {
        off.pinned.emplace_back("enabled");
        std::sort(off.pinned.begin(), off.pinned.end());
      }
      given.rules.push_back(std::move(off));
    }
  }
  std::sort(given.rules.begin(), given.rules.end(),
            [](const ContractRule& a, const ContractRule& b) { return a.id < b.id; });
  return given;
}

std::vector<ContractChange> Diff(const DataContract& before, const DataContract& after) {
  std::vector<ContractChange> out;
  const auto add = [&out](const std::string& rule, const std::string& field, const std::string& was,
                          const std::string& is) {
    if (was != is) {
      out.push_back({rule, field, was, is});
    }
  };
  add("", "alpha", Number(before.alpha), Number(after.alpha));
  add("", "learned", before.learned.source, after.learned.source);
  for (const ContractRule& was : before.rules) {
    const ContractRule* is = after.Find(was.id);
    if (is == nullptr) {
      out.push_back({was.id, "", std::string(ContractKindName(was.kind)), ""});
      continue;
    }
    for (const std::string& field : PinnableFields()) {
      add(was.id, field, ValueOf(was, field), ValueOf(*is, field));
    }
    add(was.id, "pinned", fmt::format("{}", fmt::join(was.pinned, ", ")),
        fmt::format("{}", fmt::join(is->pinned, ", ")));
  }
  for (const ContractRule& is : after.rules) {
    if (before.Find(is.id) == nullptr) {
      out.push_back({is.id, "", "", std::string(ContractKindName(is.kind))});
    }
  }
  for (const auto& [source, columns] : after.columns) {
    for (const std::string& change : CompareColumns(before, source, columns)) {
      out.push_back({"", "columns", "", change});
    }
  }
  return out;
}

}  // namespace vitrine::monitor
