/// Alert rules, alerts and quiet times as JSON: what the API takes and gives, and what is kept in files.
/// Threads: pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "monitor/alerts/alert_rule.h"
#include "monitor/alerts/quiet_time.h"

namespace vitrine::monitor {

struct Alert;
struct DeliveryRecord;

/// {"format": 1, "rules": [...]}
std::string AlertRulesToJson(const std::vector<AlertRule>& rules);
/// Errors: kInvalidArgument (the path of the field, and what it can be), kFailedPrecondition (a newer format).
Result<std::vector<AlertRule>> AlertRulesFromJson(std::string_view json);
Result<AlertRule> AlertRuleFromJson(std::string_view json);

/// Errors: as above.
Result<QuietTime> QuietTimeFromJson(std::string_view json);

nlohmann::ordered_json ToJson(const AlertRule& rule);
nlohmann::ordered_json ToJson(const QuietTime& quiet);
nlohmann::ordered_json ToJson(const Alert& alert);
nlohmann::ordered_json ToJson(const DeliveryRecord& record);
Result<QuietTime> ReadQuietTime(const nlohmann::ordered_json& json, const std::string& path);
Result<Alert> ReadAlert(const nlohmann::ordered_json& json, const std::string& path);
Result<DeliveryRecord> ReadDelivery(const nlohmann::ordered_json& json, const std::string& path);

/// Book and outbox in one text, so that they are kept together: what the book calls told is in the outbox or was sent.
struct AlertStateText {
  std::string book;    ///< AlertBook::ToJson
  std::string outbox;  ///< Outbox::ToJson
};
std::string AlertStateToJson(const AlertStateText& state);
/// Errors: kDataLoss (not what AlertStateToJson wrote), kFailedPrecondition (a newer format).
Result<AlertStateText> AlertStateFromJson(std::string_view text);

}  // namespace vitrine::monitor
