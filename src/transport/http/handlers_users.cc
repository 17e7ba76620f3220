// One user: what is known, their events, all of it as one document, and its erasure.
#include <string>
#include <vector>

#include "core/sha256.h"
#include "transport/http/api_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxPage = 1'000;
constexpr std::size_t kExportPage = 1'000;

bool CheckUser(const Services& services, const Request& request, Response& response) {
  return Need(services.log, "an event log", request, response) &&
         CheckGivenId("user_id", request.arg(0), request, response);
}

void WriteNoUser(const Request& request, Response& response) {
  WriteProblem(response, request.id(), 404, "user_not_found",
               "Nothing is known of the user '" + std::string(request.arg(0)) + "'.");
}

void WriteNumbers(JsonWriter& json, const data::EventLog& log, std::string_view name,
                  const std::vector<data::ItemNumber>& numbers) {
  json.Key(name).BeginArray();
  for (const data::ItemNumber number : numbers) {
    json.String(log.ItemId(number));
  }
  json.EndArray();
}

void WriteState(JsonWriter& json, const data::EventLog& log, const data::UserState& state) {
  json.Key("state").BeginObject().Key("events").BeginArray();
  for (const data::StateEvent& event : state.events) {
    json.BeginObject()
        .Field("item_id", log.ItemId(event.item))
        .Field("event", EventName(event.type))
        .Field("ts", event.ts)
        .EndObject();
  }
  json.EndArray();
  WriteNumbers(json, log, "bought", state.bought);
  WriteNumbers(json, log, "hidden", state.hidden);
  json.EndObject();
}

// The members that a user's page and export share. False after a problem.
bool WriteKnown(const Services& services, const Request& request, Response& response,
                JsonWriter& json) {
  const auto user = services.log->GetUser(request.arg(0));
  const auto state = services.log->GetUserState(request.arg(0));
  for (const Status& status : {user.status(), state.status()}) {
    if (!status.ok() && status.code() != Code::kNotFound) {
      WriteProblem(response, request.id(), status);
      return false;
    }
  }
  if (!user.ok() && !state.ok()) {
    WriteNoUser(request, response);
    return false;
  }
  json.BeginObject().Field("user_id", request.arg(0)).Key("user");
  if (user.ok()) {
    WriteUser(json, *user);
  } else {
    json.Null();
  }
  if (state.ok()) {
    WriteState(json, *services.log, *state);
  }
  return true;
}

}  // namespace

void GetUser(const Services& services, Request& request, Response& response) {
  if (!CheckUser(services, request, response)) {
    return;
  }
  JsonWriter json(response.body);
  if (WriteKnown(services, request, response, json)) {
    json.EndObject();
  }
}

void ListUserEvents(const Services& services, Request& request, Response& response) {
  Page page;
  if (!CheckUser(services, request, response) || !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  const auto events = services.log->ReadUserEvents(request.arg(0), page.limit + 1, page.cursor);
  if (!events.ok()) {
    WriteProblem(response, request.id(), events.status());
    return;
  }
  const std::size_t shown = std::min(events->size(), page.limit);
  JsonWriter json(response.body);
  json.BeginObject().Key("events").BeginArray();
  for (std::size_t i = 0; i < shown; ++i) {
    WriteEvent(json, (*events)[i]);
  }
  json.EndArray();
  WriteNextCursor(json, events->size() > shown, shown > 0 ? (*events)[shown - 1].event_id : "");
  json.EndObject();
}

void ExportUser(const Services& services, Request& request, Response& response) {
  if (!CheckUser(services, request, response)) {
    return;
  }
  JsonWriter json(response.body);
  if (!WriteKnown(services, request, response, json)) {
    return;
  }
  json.Key("events").BeginArray();
  std::string cursor;
  std::uint64_t count = 0;
  while (true) {
    const auto events = services.log->ReadUserEvents(request.arg(0), kExportPage, cursor);
    if (!events.ok()) {
      WriteProblem(response, request.id(), events.status());
      return;
    }
    for (const Event& event : *events) {
      WriteEvent(json, event);
    }
    count += events->size();
    if (events->size() < kExportPage) {
      break;
    }
    cursor = events->back().event_id;
  }
  json.EndArray().Field("exported", TimeNow(services)).EndObject();
  // Who was looked at stands in the trail as a hash: the trail outlives an erasure.
  if (!Audit(services, request, response, "user.export", Sha256Hex(request.arg(0)),
             "{\"events\":" + std::to_string(count) + "}")) {
    return;
  }
}

void EraseUser(const Services& services, Request& request, Response& response) {
  if (!CheckUser(services, request, response)) {
    return;
  }
  const auto erased = services.log->EraseUser(request.arg(0), After(kLogWait));
  if (!erased.ok()) {
    WriteAppendProblem(erased.status(), request, response);
    return;
  }
  const std::string subject = Sha256Hex(request.arg(0));
  if (!Audit(services, request, response, "user.erase", subject,
             "{\"records\":" + std::to_string(*erased) + "}")) {
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject()
      .Field("receipt", request.id())
      .Field("subject_sha256", subject)
      .Field("erased_records", *erased)
      .Field("erased_at", TimeNow(services))
      .Field("erased_from", "the event log and the user's state")
      .EndObject();
}

}  // namespace vitrine::http
