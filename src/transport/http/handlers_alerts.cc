// Alerts, their rules, quiet times, messages and channels.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "data/json_fields.h"
#include "monitor/alerts/alert_json.h"
#include "monitor/alerts/notification_text.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"

namespace vitrine::http {
namespace {

using Json = nlohmann::ordered_json;
using monitor::Alert;
using monitor::AlertRule;
using monitor::AlertView;

constexpr std::size_t kMaxPage = 1000;
constexpr std::size_t kMaxNoteBytes = 1000;

void Write(Response& response, const Json& json) {
  // Labels come from outside; what is no UTF-8 must not end the answer.
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const AlertRule* FindRule(const AlertView& view, std::string_view name) {
  const auto found = std::find_if(view.rules.begin(), view.rules.end(),
                                  [name](const AlertRule& rule) { return rule.name == name; });
  return found == view.rules.end() ? nullptr : &*found;
}

/// An alert with one line that says what it is and what to do.
Json JsonOf(const Alert& alert, const AlertView& view) {
  std::string text = alert.rule;
  for (const auto& [name, value] : alert.labels) {
    text.append(", ").append(name).append(" ").append(value);
  }
  text += ": " + monitor::ValueText(alert, monitor::Language::kEnglish);
  const AlertRule* rule = FindRule(view, alert.rule);
  if (rule != nullptr && !rule->runbook.empty()) {
    text += "; " + rule->runbook;
  }
  Json json = monitor::ToJson(alert);
  json["text"] = std::move(text);
  return json;
}

/// The same alert may stand there twice, open and as a record of last time.
std::string CursorOf(const Alert& alert) {
  return alert.id + "." + std::to_string(alert.since.value);
}
std::string CursorOf(const monitor::DeliveryRecord& record) {
  return record.id + "." + std::to_string(record.attempt);
}

/// Rows behind the cursor, `limit` at most. False after a problem: the cursor is none of theirs.
template <typename T>
bool Cut(std::vector<T>& rows, const Page& page, const Request& request, Response& response,
         bool& more) {
  auto first = rows.begin();
  if (!page.cursor.empty()) {
    first = std::find_if(rows.begin(), rows.end(),
                         [&page](const T& row) { return CursorOf(row) == page.cursor; });
    if (first == rows.end()) {
      WriteProblem(response, request.id(), 400, "bad_cursor",
                   "No row has this cursor any more; begin again without one.");
      return false;
    }
    ++first;
  }
  rows.erase(rows.begin(), first);
  more = rows.size() > page.limit;
  rows.resize(std::min(rows.size(), page.limit));
  return true;
}

Json NextCursor(bool more, std::string last) {
  return more ? Json(std::move(last)) : Json(nullptr);
}

/// False after a problem.
bool ReadState(const Request& request, Response& response, std::string& state) {
  state = request.QueryValue("state").value_or("");
  for (const char* known : {"", "open", "pending", "firing", "acknowledged", "resolved"}) {
    if (state == known) {
      return true;
    }
  }
  WriteProblem(response, request.id(), 400, "invalid_argument",
               "'state' can be open, pending, firing, acknowledged or resolved.");
  return false;
}

bool IsIn(const Alert& alert, std::string_view state) {
  return state.empty() || (state == "open" ? alert.open() : AlertStateName(alert.state) == state);
}

bool WriteIfFailed(const Status& status, const Request& request, Response& response) {
  if (!status.ok()) {
    WriteProblem(response, request.id(), status);
  }
  return !status.ok();
}

/// {"note": "..."}; no body at all is none. Errors: kInvalidArgument.
Result<std::string> NoteOf(std::string_view body) {
  std::string note;
  if (body.empty()) {
    return note;
  }
  ASSIGN_OR_RETURN(const Json json, data::ParseJson(body));
  data::JsonFields fields(json, "");
  fields.Read("note", note);
  RETURN_IF_ERROR(fields.Finish());
  if (note.size() > kMaxNoteBytes) {
    return InvalidArgument("'note' has at most 1000 bytes");
  }
  return note;
}

}  // namespace

void ListAlerts(const Services& services, Request& request, Response& response) {
  Page page;
  std::string state;
  if (!Need(services.alerts, "alerts", request, response) ||
      !ReadPage(request, response, kMaxPage, page) || !ReadState(request, response, state)) {
    return;
  }
  const auto view = services.alerts->View();
  std::vector<Alert> alerts;
  std::copy_if(view->alerts.begin(), view->alerts.end(), std::back_inserter(alerts),
               [&state](const Alert& alert) { return IsIn(alert, state); });
  bool more = false;
  if (!Cut(alerts, page, request, response, more)) {
    return;
  }
  Json list = Json::array();
  for (const Alert& alert : alerts) {
    list.push_back(JsonOf(alert, *view));
  }
  Json out = {{"alerts", std::move(list)},
              {"next_cursor", NextCursor(more, alerts.empty() ? "" : CursorOf(alerts.back()))},
              {"looked", view->looked.value == 0 ? Json(nullptr) : Json(FormatIso(view->looked))},
              {"unlisted", view->unlisted}};
  if (!view->kept.ok()) {
    out["not_kept"] = view->kept.message();
  }
  Write(response, out);
}

void GetAlert(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const auto view = services.alerts->View();
  for (const Alert& alert : view->alerts) {
    if (alert.id == request.arg(0)) {
      Write(response, JsonOf(alert, *view));
      return;
    }
  }
  WriteProblem(response, request.id(), 404, "not_found",
               "There is no alert '" + std::string(request.arg(0)) + "'.");
}

void AcknowledgeAlert(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const Result<std::string> note = NoteOf(request.body());
  if (WriteIfFailed(note.status(), request, response)) {
    return;
  }
  const std::string id(request.arg(0));
  const Result<Alert> alert = services.alerts->Acknowledge(id, request.scope().principal, *note);
  if (WriteIfFailed(alert.status(), request, response)) {
    return;
  }
  if (Audit(services, request, response, "alert.acknowledge", id,
            Json({{"rule", alert->rule}, {"note", *note}}).dump())) {
    Write(response, JsonOf(*alert, *services.alerts->View()));
  }
}

void ListAlertRules(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const auto view = services.alerts->View();
  Json rules = Json::array();
  for (const AlertRule& rule : view->rules) {
    rules.push_back(monitor::ToJson(rule));
  }
  Json signals = Json::array();
  for (const monitor::SignalDef& def : monitor::SignalDefs()) {
    signals.push_back({{"name", def.name},
                       {"unit", def.unit},
                       {"labels", def.labels},
                       {"help", def.help},
                       {"help_zh", def.help_zh}});
  }
  Write(response, {{"rules", std::move(rules)}, {"signals", std::move(signals)}});
}

void GetAlertRule(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const auto view = services.alerts->View();
  const AlertRule* rule = FindRule(*view, request.arg(0));
  if (rule == nullptr) {
    WriteProblem(response, request.id(), 404, "not_found",
                 "There is no alert rule '" + std::string(request.arg(0)) + "'.");
    return;
  }
  Write(response, monitor::ToJson(*rule));
}

void PutAlertRule(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  Result<AlertRule> rule = monitor::AlertRuleFromJson(request.body());
  if (WriteIfFailed(rule.status(), request, response)) {
    return;
  }
  if (rule->name != request.arg(0)) {
    WriteProblem(response, request.id(), 400, "name_differs",
                 "The body's 'name' is not the rule of the path.");
    return;
  }
  const std::string name = rule->name;
  const Json json = monitor::ToJson(*rule);
  if (WriteIfFailed(services.alerts->PutRule(*std::move(rule)), request, response)) {
    return;
  }
  if (Audit(services, request, response, "alert_rule.put", name, json.dump())) {
    Write(response, json);
  }
}

void DeleteAlertRule(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const std::string name(request.arg(0));
  if (WriteIfFailed(services.alerts->RemoveRule(name), request, response)) {
    return;
  }
  if (Audit(services, request, response, "alert_rule.delete", name, "{}")) {
    response.status = 204;
  }
}

void ListQuietTimes(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const auto view = services.alerts->View();
  const Micros now = TimeNow(services);
  Json list = Json::array();
  for (const monitor::QuietTime& quiet : view->quiet_times) {
    Json json = monitor::ToJson(quiet);
    json["active"] = quiet.ActiveAt(now);
    list.push_back(std::move(json));
  }
  Write(response, {{"quiet_times", std::move(list)}});
}

void PostQuietTime(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const auto read = [&]() -> Result<monitor::QuietTime> {
    ASSIGN_OR_RETURN(const Json json, data::ParseJson(request.body()));
    ASSIGN_OR_RETURN(monitor::QuietTime quiet, monitor::ReadQuietTime(json, "quiet"));
    if (!quiet.id.empty() || !quiet.by.empty()) {
      return InvalidArgument("'id' and 'by' are given by the server");
    }
    if (quiet.why.size() > kMaxNoteBytes) {
      return InvalidArgument("'why' has at most 1000 bytes");
    }
    if (quiet.from.value == 0) {
      quiet.from = TimeNow(services);
    }
    quiet.by = request.scope().principal;
    return quiet;
  };
  const auto made = [&]() -> Result<monitor::QuietTime> {
    ASSIGN_OR_RETURN(monitor::QuietTime quiet, read());
    return services.alerts->AddQuiet(std::move(quiet));
  }();
  if (WriteIfFailed(made.status(), request, response)) {
    return;
  }
  const Json json = monitor::ToJson(*made);
  if (Audit(services, request, response, "quiet_time.create", made->id,
            json.dump(-1, ' ', false, Json::error_handler_t::replace))) {
    response.status = 201;
    Write(response, json);
  }
}

void EndQuietTime(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const Result<monitor::QuietTime> ended = services.alerts->EndQuiet(std::string(request.arg(0)));
  if (WriteIfFailed(ended.status(), request, response)) {
    return;
  }
  if (Audit(services, request, response, "quiet_time.end", ended->id, "{}")) {
    Write(response, monitor::ToJson(*ended));
  }
}

void ListAlertDeliveries(const Services& services, Request& request, Response& response) {
  Page page;
  if (!Need(services.alerts, "alerts", request, response) ||
      !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  const auto view = services.alerts->View();
  std::vector<monitor::DeliveryRecord> records = view->deliveries;
  bool more = false;
  if (!Cut(records, page, request, response, more)) {
    return;
  }
  Json list = Json::array();
  for (const monitor::DeliveryRecord& record : records) {
    list.push_back(monitor::ToJson(record));
  }
  Write(response,
        {{"deliveries", std::move(list)},
         {"next_cursor", NextCursor(more, records.empty() ? "" : CursorOf(records.back()))},
         {"waiting", view->waiting}});
}

void ListChannels(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  Json list = Json::array();
  for (const monitor::AlertChannel& channel : services.alerts->channels()) {
    list.push_back({{"name", channel.name},
                    {"kind", channel.kind},
                    {"language", channel.language == monitor::Language::kChinese ? "zh" : "en"}});
  }
  Write(response, {{"channels", std::move(list)}});
}

// What came of the message is the answer: the call itself did what it should.
void TestChannel(const Services& services, Request& request, Response& response) {
  if (!Need(services.alerts, "alerts", request, response)) {
    return;
  }
  const std::string name(request.arg(0));
  const Result<monitor::ChannelTest> test = services.alerts->TestChannel(name);
  if (WriteIfFailed(test.status(), request, response)) {
    return;
  }
  const Status& outcome = test->outcome;
  if (Audit(services, request, response, "channel.test", name,
            Json({{"delivered", outcome.ok()}}).dump())) {
    Write(response, {{"channel", name},
                     {"delivered", outcome.ok()},
                     {"error", outcome.ok() ? "" : outcome.message()}});
  }
}

}  // namespace vitrine::http
