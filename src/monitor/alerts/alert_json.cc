#include "monitor/alerts/alert_json.h"

#include <nlohmann/json.hpp>

#include "data/json_fields.h"
#include "monitor/alerts/alert_book.h"
#include "monitor/alerts/outbox.h"

namespace vitrine::monitor {
namespace {

using Json = nlohmann::ordered_json;
using data::JsonFields;

constexpr int kFormat = 1;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json TimeJson(const std::optional<Micros>& time) {
  return time ? Json(FormatIso(*time)) : Json(nullptr);
}

void ReadSeconds(JsonFields& fields, const char* name, std::chrono::seconds& value) {
  std::int64_t seconds = value.count();
  fields.Read(name, seconds);
  value = std::chrono::seconds(seconds);
}

Result<AlertRule> ReadRule(const Json& json, const std::string& path) {
  AlertRule rule;
  JsonFields fields(json, path);
  fields.Read("name", rule.name);
  fields.Read("signal", rule.signal);
  fields.Read("where", rule.where);
  fields.ReadName("side", rule.side, {Side::kAbove, Side::kBelow}, SideName);
  fields.ReadName("against", rule.against,
                  {Against::kBounds, Against::kLastDay, Against::kLastWeek}, AgainstName);
  fields.Read("warning", rule.warning);
  fields.Read("critical", rule.critical);
  fields.Read("recovery", rule.recovery);
  ReadSeconds(fields, "bad_for_seconds", rule.bad_for);
  ReadSeconds(fields, "good_for_seconds", rule.good_for);
  fields.Read("least_rows", rule.least_rows);
  fields.Read("priority", rule.priority);
  fields.Read("rests_in_sales", rule.rests_in_sales);
  fields.Read("enabled", rule.enabled);
  fields.Read("channels", rule.channels);
  fields.Read("runbook", rule.runbook);
  fields.Read("runbook_zh", rule.runbook_zh);
  RETURN_IF_ERROR(fields.Finish());
  RETURN_IF_ERROR(Validate(rule));
  return rule;
}

}  // namespace

Json ToJson(const AlertRule& rule) {
  return {{"name", rule.name},
          {"signal", rule.signal},
          {"where", rule.where},
          {"side", SideName(rule.side)},
          {"against", AgainstName(rule.against)},
          {"warning", OrNull(rule.warning)},
          {"critical", OrNull(rule.critical)},
          {"recovery", OrNull(rule.recovery)},
          {"bad_for_seconds", rule.bad_for.count()},
          {"good_for_seconds", rule.good_for.count()},
          {"least_rows", rule.least_rows},
          {"priority", rule.priority},
          {"rests_in_sales", rule.rests_in_sales},
          {"enabled", rule.enabled},
          {"channels", rule.channels},
          {"runbook", rule.runbook},
          {"runbook_zh", rule.runbook_zh}};
}

Json ToJson(const QuietTime& quiet) {
  return {{"id", quiet.id},
          {"kind", QuietKindName(quiet.kind)},
          {"rule", quiet.rule},
          {"where", quiet.where},
          {"from", FormatIso(quiet.from)},
          {"until", FormatIso(quiet.until)},
          {"by", quiet.by},
          {"why", quiet.why}};
}

Json ToJson(const Alert& alert) {
  return {{"id", alert.id},
          {"rule", alert.rule},
          {"signal", alert.signal},
          {"labels", alert.labels},
          {"state", AlertStateName(alert.state)},
          {"severity", SeverityName(alert.severity)},
          {"priority", alert.priority},
          {"value", alert.value},
          {"bound", alert.bound},
          {"since", FormatIso(alert.since)},
          {"fired", TimeJson(alert.fired)},
          {"resolved", TimeJson(alert.resolved)},
          {"acknowledged_by", alert.acknowledged_by},
          {"note", alert.note},
          {"quiet_by", alert.quiet_by},
          {"good_since", TimeJson(alert.good_since)},
          {"seen", FormatIso(alert.seen)}};
}

Json ToJson(const DeliveryRecord& record) {
  return {{"id", record.id},
          {"channel", record.channel},
          {"at", FormatIso(record.at)},
          {"attempt", record.attempt},
          {"alerts", record.alerts},
          {"delivered", record.delivered},
          {"given_up", record.given_up},
          {"error", record.error}};
}

Result<DeliveryRecord> ReadDelivery(const Json& json, const std::string& path) {
  DeliveryRecord record;
  JsonFields fields(json, path);
  fields.Read("id", record.id);
  fields.Read("channel", record.channel);
  fields.Read("at", record.at);
  fields.Read("attempt", record.attempt);
  fields.Read("alerts", record.alerts);
  fields.Read("delivered", record.delivered);
  fields.Read("given_up", record.given_up);
  fields.Read("error", record.error);
  RETURN_IF_ERROR(fields.Finish());
  return record;
}

Result<QuietTime> ReadQuietTime(const Json& json, const std::string& path) {
  QuietTime quiet;
  JsonFields fields(json, path);
  fields.Read("id", quiet.id);
  fields.ReadName("kind", quiet.kind,
                  {QuietKind::kSilence, QuietKind::kMaintenance, QuietKind::kSale}, QuietKindName);
  fields.Read("rule", quiet.rule);
  fields.Read("where", quiet.where);
  fields.Read("from", quiet.from);
  fields.Read("until", quiet.until);
  fields.Read("by", quiet.by);
  fields.Read("why", quiet.why);
  RETURN_IF_ERROR(fields.Finish());
  return quiet;
}

Result<Alert> ReadAlert(const Json& json, const std::string& path) {
  Alert alert;
  JsonFields fields(json, path);
  fields.Read("id", alert.id);
  fields.Read("rule", alert.rule);
  fields.Read("signal", alert.signal);
  fields.Read("labels", alert.labels);
  fields.ReadName(
      "state", alert.state,
      {AlertState::kPending, AlertState::kFiring, AlertState::kAcknowledged, AlertState::kResolved},
      AlertStateName);
  fields.ReadName("severity", alert.severity, {Severity::kWarning, Severity::kCritical},
                  SeverityName);
  fields.Read("priority", alert.priority);
  fields.Read("value", alert.value);
  fields.Read("bound", alert.bound);
  fields.Read("since", alert.since);
  fields.Read("fired", alert.fired);
  fields.Read("resolved", alert.resolved);
  fields.Read("acknowledged_by", alert.acknowledged_by);
  fields.Read("note", alert.note);
  fields.Read("quiet_by", alert.quiet_by);
  fields.Read("good_since", alert.good_since);
  fields.Read("seen", alert.seen);
  RETURN_IF_ERROR(fields.Finish());
  return alert;
}

std::string AlertRulesToJson(const std::vector<AlertRule>& rules) {
  Json list = Json::array();
  for (const AlertRule& rule : rules) {
    list.push_back(ToJson(rule));
  }
  return Json{{"format", kFormat}, {"rules", std::move(list)}}.dump(2);
}

Result<std::vector<AlertRule>> AlertRulesFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, data::ParseJson(text));
  JsonFields fields(json, "");
  int format = 0;
  fields.Read("format", format);
  if (format > kFormat) {
    return FailedPrecondition("these alert rules were written by a newer Vitrine (format " +
                              std::to_string(format) + "); upgrade to read them");
  }
  std::vector<AlertRule> rules;
  const Json* list = fields.Find("rules");
  RETURN_IF_ERROR(fields.Finish());
  if (list == nullptr || !list->is_array()) {
    return InvalidArgument("alert rules need a list 'rules'");
  }
  for (std::size_t r = 0; r < list->size(); ++r) {
    ASSIGN_OR_RETURN(AlertRule rule, ReadRule((*list)[r], "rules[" + std::to_string(r) + "]"));
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::string AlertStateToJson(const AlertStateText& state) {
  return "{\"format\":" + std::to_string(kFormat) + ",\"book\":" + state.book +
         ",\"outbox\":" + state.outbox + "}\n";
}

Result<AlertStateText> AlertStateFromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("book") || !json.contains("outbox")) {
    return DataLoss(
        "the kept alerts are not what Vitrine writes; restore them from a backup, or "
        "move the file away to begin anew");
  }
  const auto format = json.find("format");
  if (format == json.end() || !format->is_number_integer() || *format > kFormat) {
    return FailedPrecondition(
        "the kept alerts were written by a newer Vitrine; upgrade to read them");
  }
  return AlertStateText{.book = json["book"].dump(), .outbox = json["outbox"].dump()};
}

Result<AlertRule> AlertRuleFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, data::ParseJson(text));
  return ReadRule(json, "rule");
}

Result<QuietTime> QuietTimeFromJson(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, data::ParseJson(text));
  ASSIGN_OR_RETURN(QuietTime quiet, ReadQuietTime(json, "quiet"));
  RETURN_IF_ERROR(Validate(quiet));
  return quiet;
}

}  // namespace vitrine::monitor
