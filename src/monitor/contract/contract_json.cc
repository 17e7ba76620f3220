#include "monitor/contract/contract_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "data/json_fields.h"
#include "monitor/contract/event_fields.h"

namespace vitrine::monitor {
namespace {

using Json = nlohmann::ordered_json;
using data::JsonFields;

constexpr std::size_t kMostRules = 1000;
constexpr std::size_t kMostValues = 1000;
constexpr std::size_t kLongestId = 200;

Json TimeOrNull(Micros time) { return time.value == 0 ? Json(nullptr) : Json(FormatIso(time)); }

Json Of(const Tolerance& tolerance) {
  return {{"low", tolerance.low}, {"high", tolerance.high}, {"rows", tolerance.rows}};
}

Json Of(const ContractRule& rule) {
  Json out = {{"id", rule.id}, {"kind", ContractKindName(rule.kind)}};
  if (!rule.event.empty()) {
    out["event"] = rule.event;
  }
  if (!rule.field.empty()) {
    out["field"] = rule.field;
  }
  if (!rule.values.empty()) {
    out["values"] = rule.values;
  }
  if (rule.at_least.has_value()) {
    out["at_least"] = *rule.at_least;
  }
  if (rule.at_most.has_value()) {
    out["at_most"] = *rule.at_most;
  }
  if (rule.margin_seconds != 0) {
    out["margin_seconds"] = rule.margin_seconds;
  }
  if (rule.deviation != 0) {
    out["deviation"] = rule.deviation;
  }
  out["expected"] = rule.expected;
  if (!rule.pattern.empty()) {
    out["pattern"] = rule.pattern;
    out["repeats"] = rule.repeats;
  }
  if (rule.hour.has_value()) {
    out["hour"] = Of(*rule.hour);
  }
  if (rule.day.has_value()) {
    out["day"] = Of(*rule.day);
  }
  out["enabled"] = rule.enabled;
  out["origin"] = rule.origin;
  out["pinned"] = rule.pinned;
  return out;
}

Status ReadNumbers(const Json& json, const std::string& path, std::vector<double>& out) {
  if (!json.is_array()) {
    return InvalidArgument(path + " is not a list of numbers");
  }
  for (const Json& number : json) {
    if (!number.is_number()) {
      return InvalidArgument(path + " holds " + number.dump() + ", which is no number");
    }
    out.push_back(number.get<double>());
  }
  return Status::Ok();
}

void ReadTolerance(JsonFields& fields, const char* name, std::optional<Tolerance>& out) {
  const Json* json = fields.Find(name);
  if (json == nullptr || json->is_null()) {
    return;
  }
  if (!json->is_object()) {
    fields.Fail(name, "is no object with low and high");
    return;
  }
  JsonFields inner(*json, fields.PathOf(name));
  Tolerance tolerance;
  inner.Read("low", tolerance.low);
  inner.Read("high", tolerance.high);
  inner.Read("rows", tolerance.rows);
  fields.Take(inner.Finish());
  out = tolerance;
}

void ReadKind(JsonFields& fields, ContractKind& kind) {
  std::string name;
  fields.Read("kind", name);
  std::string known;
  for (std::size_t k = 0; k < kContractKinds; ++k) {
    const auto candidate = static_cast<ContractKind>(k);
    if (name == ContractKindName(candidate)) {
      kind = candidate;
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(ContractKindName(candidate));
  }
  fields.Fail("kind", "is '" + name + "'; it can be " + known);
}

Result<ContractRule> ReadRule(const Json& json, const std::string& path) {
  if (!json.is_object()) {
    return InvalidArgument(path + " is no rule");
  }
  JsonFields fields(json, path);
  ContractRule rule;
  fields.Read("id", rule.id);
  ReadKind(fields, rule.kind);
  fields.Read("event", rule.event);
  fields.Read("field", rule.field);
  fields.Read("values", rule.values);
  fields.Read("at_least", rule.at_least);
  fields.Read("at_most", rule.at_most);
  fields.Read("margin_seconds", rule.margin_seconds);
  fields.Read("deviation", rule.deviation);
  fields.Read("expected", rule.expected);
  fields.Read("repeats", rule.repeats);
  if (const Json* pattern = fields.Find("pattern"); pattern != nullptr) {
    fields.Take(ReadNumbers(*pattern, fields.PathOf("pattern"), rule.pattern));
  }
  ReadTolerance(fields, "hour", rule.hour);
  ReadTolerance(fields, "day", rule.day);
  fields.Read("enabled", rule.enabled);
  fields.Read("origin", rule.origin);
  fields.Read("pinned", rule.pinned);
  RETURN_IF_ERROR(fields.Finish());
  std::sort(rule.values.begin(), rule.values.end());
  std::sort(rule.pinned.begin(), rule.pinned.end());
  return rule;
}

Status ReadColumns(const Json& json, DataContract& out) {
  if (!json.is_object()) {
    return InvalidArgument("columns is no object of sources");
  }
  for (const auto& [source, list] : json.items()) {
    if (!list.is_array()) {
      return InvalidArgument("columns." + source + " is no list of columns");
    }
    auto& columns = out.columns[source];
    for (const Json& column : list) {
      if (!column.is_object()) {
        return InvalidArgument("columns." + source + " holds what is no column");
      }
      JsonFields fields(column, "columns." + source);
      data::SourceColumn read;
      fields.Read("name", read.name);
      fields.Read("type", read.type);
      RETURN_IF_ERROR(fields.Finish());
      columns.push_back(std::move(read));
    }
  }
  return Status::Ok();
}

Status ReadLearned(const Json& json, LearnedFrom& out) {
  if (!json.is_object()) {
    return InvalidArgument("learned is no object");
  }
  JsonFields fields(json, "learned");
  fields.Read("source", out.source);
  fields.Read("from", out.from);
  fields.Read("until", out.until);
  fields.Read("days", out.days);
  fields.Read("hours", out.hours);
  double rows = 0;  // may be more than a whole number of the reader's
  fields.Read("rows", rows);
  out.rows = static_cast<std::uint64_t>(std::max(0.0, rows));
  return fields.Finish();
}

Status CheckTolerance(const ContractRule& rule, Grain grain) {
  const std::optional<Tolerance>& tolerance = rule.Of(grain);
  if (!tolerance.has_value()) {
    return Status::Ok();
  }
  const double most = IsShare(rule.kind) ? 1 : HUGE_VAL;
  if (!(tolerance->low >= 0 && tolerance->low <= tolerance->high && tolerance->high <= most &&
        tolerance->rows >= 0)) {
    return InvalidArgument(
        fmt::format("rule '{}': {}.low is {:g} and {}.high {:g}; they are 0 or more, in order{}",
                    rule.id, GrainName(grain), tolerance->low, GrainName(grain), tolerance->high,
                    IsShare(rule.kind) ? ", and shares of at most 1" : ""));
  }
  return Status::Ok();
}

Status CheckRule(const ContractRule& rule) {
  const auto bad = [&rule](std::string_view what) {
    return InvalidArgument(fmt::format("rule '{}': {}", rule.id, what));
  };
  if (rule.id.empty() || rule.id.size() > kLongestId) {
    return InvalidArgument(fmt::format("a rule's id has 1 to {} bytes", kLongestId));
  }
  if (!rule.event.empty() && !ParseEventType(rule.event)) {
    return bad("'event' is '" + rule.event + "', which is no event's name");
  }
  const bool needs_field = rule.kind <= ContractKind::kValueShare;
  if (needs_field && !ParseEventField(rule.field)) {
    return bad("'field' is '" + rule.field + "', which no row has");
  }
  if (rule.kind == ContractKind::kRange && !rule.at_least && !rule.at_most) {
    return bad("a range has at_least, at_most or both");
  }
  const bool words = rule.kind == ContractKind::kValues || rule.kind == ContractKind::kValueShare;
  if (words && (rule.values.empty() || rule.values.size() > kMostValues)) {
    return bad("'values' are 1 to 1000 texts");
  }
  if (rule.origin != "learned" && rule.origin != "standard" && rule.origin != "person") {
    return bad("'origin' can be learned, standard or person");
  }
  if (!rule.pattern.empty() &&
      (rule.pattern.size() != kHoursOfWeek ||
       std::any_of(rule.pattern.begin(), rule.pattern.end(), [](double n) { return !(n >= 0); }))) {
    return bad("'pattern' is 168 counts, one for each hour of the week");
  }
  for (const std::string& name : rule.pinned) {
    const auto& known = PinnableFields();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return bad("'pinned' names '" + name + "'; it can name " +
                 fmt::format("{}", fmt::join(known, ", ")));
    }
  }
  if (!(rule.expected >= 0) || !(rule.deviation >= 0) || !(rule.margin_seconds >= 0)) {
    return bad("expected, deviation and margin_seconds are 0 or more");
  }
  RETURN_IF_ERROR(CheckTolerance(rule, Grain::kHour));
  return CheckTolerance(rule, Grain::kDay);
}

}  // namespace

Json ToJson(const DataContract& contract) {
  Json out = {{"format", kDataContractFormat},
              {"alpha", contract.alpha},
              {"learned",
               {{"source", contract.learned.source},
                {"from", TimeOrNull(contract.learned.from)},
                {"until", TimeOrNull(contract.learned.until)},
                {"days", contract.learned.days},
                {"hours", contract.learned.hours},
                {"rows", contract.learned.rows}}},
              {"columns", Json::object()},
              {"rules", Json::array()}};
  for (const auto& [source, columns] : contract.columns) {
    Json& list = out["columns"][source] = Json::array();
    for (const data::SourceColumn& column : columns) {
      list.push_back({{"name", column.name}, {"type", column.type}});
    }
  }
  for (const ContractRule& rule : contract.rules) {
    out["rules"].push_back(Of(rule));
  }
  return out;
}

Result<DataContract> ContractFromJson(const Json& json) {
  if (!json.is_object()) {
    return InvalidArgument("a contract is a JSON object with 'rules'");
  }
  JsonFields fields(json, "");
  DataContract out;
  int format = kDataContractFormat;
  fields.Read("format", format);
  if (format > kDataContractFormat) {
    return FailedPrecondition("the contract was written by a newer version; use that");
  }
  fields.Read("alpha", out.alpha);
  if (const Json* learned = fields.Find("learned"); learned != nullptr) {
    fields.Take(ReadLearned(*learned, out.learned));
  }
  if (const Json* columns = fields.Find("columns"); columns != nullptr) {
    fields.Take(ReadColumns(*columns, out));
  }
  const Json* rules = fields.Find("rules");
  if (rules == nullptr || !rules->is_array()) {
    fields.Fail("rules", "is no list of rules");
  }
  RETURN_IF_ERROR(fields.Finish());
  for (std::size_t r = 0; r < rules->size(); ++r) {
    ASSIGN_OR_RETURN(ContractRule rule, ReadRule((*rules)[r], fmt::format("rules[{}]", r)));
    out.rules.push_back(std::move(rule));
  }
  std::stable_sort(out.rules.begin(), out.rules.end(),
                   [](const ContractRule& a, const ContractRule& b) { return a.id < b.id; });
  RETURN_IF_ERROR(Validate(out));
  return out;
}

Result<DataContract> ContractFromText(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, data::ParseJson(text));
  return ContractFromJson(json);
}

Status Validate(const DataContract& contract) {
  if (!(contract.alpha > 0 && contract.alpha < 1)) {
    return InvalidArgument(
        fmt::format("alpha is {:g}; it is a chance between 0 and 1", contract.alpha));
  }
  if (contract.rules.size() > kMostRules) {
    return InvalidArgument(fmt::format("a contract has at most {} rules", kMostRules));
  }
  for (std::size_t r = 0; r < contract.rules.size(); ++r) {
    RETURN_IF_ERROR(CheckRule(contract.rules[r]));
    if (r > 0 && contract.rules[r].id == contract.rules[r - 1].id) {
      return InvalidArgument("two rules are called '" + contract.rules[r].id + "'");
    }
  }
  return Status::Ok();
}

Json ToJson(const ContractFinding& finding) {
  return {{"rule", finding.rule},
          {"kind", ContractKindName(finding.kind)},
          {"event", finding.event},
          {"field", finding.field},
          {"grain", GrainName(finding.grain)},
          {"window", FormatIso(finding.window)},
          {"expected", finding.expected},
          {"low", finding.low},
          {"high", finding.high},
          {"seen", finding.seen},
          {"rows", finding.rows},
          {"count", finding.count},
          {"chance", finding.chance},
          {"example", finding.example},
          {"text", FindingText(finding)},
          {"text_zh", FindingTextZh(finding)}};
}

}  // namespace vitrine::monitor
