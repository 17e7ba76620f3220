// The catalogue, an item at a time and as a list.
#include <span>
#include <string>
#include <utility>

#include "data/validate.h"
#include "transport/http/api_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/json_fields.h"
#include "transport/http/row_fields.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxPage = 1'000;

bool FindItem(const Services& services, const Request& request, Response& response, Item& item) {
  if (!Need(services.log, "an event log", request, response) ||
      !CheckGivenId("item_id", request.arg(0), request, response)) {
    return false;
  }
  auto found = services.log->GetItem(request.arg(0));
  if (!found.ok()) {
    if (found.status().code() == Code::kNotFound) {
      WriteProblem(response, request.id(), 404, "item_not_found",
                   "The catalogue has no item '" + std::string(request.arg(0)) + "'.");
    } else {
      WriteProblem(response, request.id(), found.status());
    }
    return false;
  }
  item = std::move(found).value();
  return true;
}

}  // namespace

void ListItems(const Services& services, Request& request, Response& response) {
  Page page;
  if (!Need(services.log, "an event log", request, response) ||
      !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  const auto items = services.log->ListItems(page.cursor, page.limit + 1);
  if (!items.ok()) {
    WriteProblem(response, request.id(), items.status());
    return;
  }
  const std::size_t shown = std::min(items->size(), page.limit);
  JsonWriter json(response.body);
  json.BeginObject().Key("items").BeginArray();
  for (std::size_t i = 0; i < shown; ++i) {
    WriteItem(json, (*items)[i]);
  }
  json.EndArray();
  WriteNextCursor(json, items->size() > shown, shown > 0 ? (*items)[shown - 1].id : "");
  json.EndObject();
}

void GetItem(const Services& services, Request& request, Response& response) {
  Item item;
  if (FindItem(services, request, response, item)) {
    JsonWriter json(response.body);
    WriteItem(json, item);
  }
}

// A merge patch (RFC 7396) of the item's own fields: what is given replaces, null clears.
void PatchItem(const Services& services, Request& request, Response& response) {
  Item item;
  if (!FindItem(services, request, response, item)) {
    return;
  }
  const std::string id = item.id;
  const Micros now = TimeNow(services);
  item.valid_from = now;
  RowTime time;
  FieldReader reader;
  const Status status = ReadObjectBody(request, reader, [&](ondemand::object object) {
    return ReadItem(reader, object, item, time);
  });
  if (!status.ok()) {
    WriteProblem(response, request.id(), 400, "bad_json", status.message());
    return;
  }
  if (reader.error()) {
    WriteProblem(response, request.id(), 422, reader.error().code, reader.error().message);
    return;
  }
  if (item.id != id) {
    WriteProblem(response, request.id(), 422, "id_differs",
                 "The body names another item than the path. Ids never change.");
    return;
  }
  if (const auto rejection = data::CheckItem(item, now)) {
    WriteProblem(response, request.id(), 422, rejection->code, rejection->message);
    return;
  }
  const Status appended = services.log->AppendItems(std::span(&item, 1), After(kLogWait));
  if (!appended.ok()) {
    WriteAppendProblem(appended, request, response);
    return;
  }
  JsonWriter json(response.body);
  WriteItem(json, item);
}

void DeleteItem(const Services& services, Request& request, Response& response) {
  Item item;
  if (!FindItem(services, request, response, item)) {
    return;
  }
  const Status deleted = services.log->DeleteItem(item.id, After(kLogWait));
  if (!deleted.ok()) {
    WriteAppendProblem(deleted, request, response);
    return;
  }
  response.status = 204;
}

}  // namespace vitrine::http
