// What an outbox keeps over a restart, as JSON.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "data/json_fields.h"
#include "monitor/alerts/alert_json.h"
#include "monitor/alerts/outbox.h"

namespace vitrine::monitor {
namespace {

using Json = nlohmann::ordered_json;

std::string_view KindName(AlertChangeKind kind) {
  switch (kind) {
    case AlertChangeKind::kFired:
      return "fired";
    case AlertChangeKind::kWorsened:
      return "worsened";
    case AlertChangeKind::kResolved:
      return "resolved";
  }
  return "fired";
}

Json ChangesJson(const std::vector<AlertChange>& changes) {
  Json list = Json::array();
  for (const AlertChange& change : changes) {
    list.push_back({{"kind", KindName(change.kind)}, {"alert", ToJson(change.alert)}});
  }
  return list;
}

Json MessageJson(const Notification& message) {
  Json reminders = Json::array();
  for (const Alert& alert : message.reminders) {
    reminders.push_back(ToJson(alert));
  }
  return {{"id", message.id},
          {"attempt", message.attempt},
          {"changes", ChangesJson(message.changes)},
          {"reminders", std::move(reminders)}};
}

Result<std::vector<AlertChange>> ReadChanges(const Json* list) {
  const Json none = Json::array();
  std::vector<AlertChange> changes;
  for (const Json& change : list == nullptr ? none : *list) {
    data::JsonFields its(change, "changes");
    AlertChange restored;
    its.ReadName("kind", restored.kind,
                 {AlertChangeKind::kFired, AlertChangeKind::kWorsened, AlertChangeKind::kResolved},
                 KindName);
    const Json* alert = its.Find("alert");
    RETURN_IF_ERROR(its.Finish());
    ASSIGN_OR_RETURN(restored.alert, ReadAlert(alert == nullptr ? none : *alert, "changes.alert"));
    changes.push_back(std::move(restored));
  }
  return changes;
}

Result<Notification> ReadMessage(const Json& json) {
  Notification message;
  data::JsonFields fields(json, "again");
  fields.Read("id", message.id);
  fields.Read("attempt", message.attempt);
  const Json* changes = fields.Find("changes");
  const Json* reminders = fields.Find("reminders");
  RETURN_IF_ERROR(fields.Finish());
  ASSIGN_OR_RETURN(message.changes, ReadChanges(changes));
  const Json none = Json::array();
  for (const Json& each : reminders == nullptr ? none : *reminders) {
    ASSIGN_OR_RETURN(Alert alert, ReadAlert(each, "again.reminders"));
    message.reminders.push_back(std::move(alert));
  }
  return message;
}

}  // namespace

std::string Outbox::ToJson() const {
  Json lanes = Json::array();
  for (const auto& [channel, lane] : lanes_) {
    std::vector<AlertChange> changes;
    if (lane.under_way) {
      changes = lane.under_way->changes;
    }
    changes.insert(changes.end(), lane.changes.begin(), lane.changes.end());
    std::optional<Notification> again = lane.under_way ? lane.under_way : lane.failed;
    if (again.has_value() && lane.under_way) {
      again->attempt += 1;  // whether this one got there, nobody will know
    }
    Json reminded = Json::object();
    for (const auto& [id, at] : lane.reminded) {
      reminded[id] = FormatIso(at);
    }
    Json sent = Json::array();
    for (const Micros at : lane.sent) {
      sent.push_back(FormatIso(at));
    }
    lanes.push_back({{"channel", channel},
                     {"changes", ChangesJson(changes)},
                     {"reminded", std::move(reminded)},
                     {"unheard", lane.unheard},
                     {"sent", std::move(sent)}});
    if (again.has_value()) {
      lanes.back()["again"] = MessageJson(*again);
    }
  }
  Json records = Json::array();
  for (const DeliveryRecord& record : records_) {
    records.push_back(monitor::ToJson(record));
  }
  return Json{{"format", 1},
              {"next_id", next_id_},
              {"lanes", std::move(lanes)},
              {"records", std::move(records)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status Outbox::LoadLane(const nlohmann::ordered_json& json, Lane& lane, std::string& channel) {
  data::JsonFields one(json, "lanes");
  one.Read("channel", channel);
  const Json* changes = one.Find("changes");
  const Json* reminded = one.Find("reminded");
  const Json* again = one.Find("again");
  std::vector<std::string> unheard;
  std::vector<std::string> sent;
  one.Read("unheard", unheard);
  one.Read("sent", sent);
  RETURN_IF_ERROR(one.Finish());
  lane.unheard.insert(unheard.begin(), unheard.end());
  if (reminded != nullptr && reminded->is_object()) {  // before the changes: Put asks for it
    data::JsonFields times(*reminded, "reminded");
    for (const auto& [id, at] : reminded->items()) {
      times.Read(id.c_str(), lane.reminded[id]);
    }
    RETURN_IF_ERROR(times.Finish());
  }
  ASSIGN_OR_RETURN(const std::vector<AlertChange> read, ReadChanges(changes));
  for (const AlertChange& change : read) {
    Put(lane, change);
  }
  if (again != nullptr) {
    ASSIGN_OR_RETURN(lane.failed, ReadMessage(*again));
  }
  if (!lane.changes.empty() || lane.failed) {
    lane.ready = Micros{0};
  }
  for (const std::string& at : sent) {
    const Json time = {{"at", at}};
    data::JsonFields fields(time, "sent");
    fields.Read("at", lane.sent.emplace_back());
    RETURN_IF_ERROR(fields.Finish());
  }
  return Status::Ok();
}

Status Outbox::Load(std::string_view text) {
  Outbox read(options_);
  const auto load = [&]() -> Status {
    ASSIGN_OR_RETURN(const Json json, data::ParseJson(text));
    data::JsonFields fields(json, "");
    int format = 0;
    fields.Read("format", format);
    fields.Read("next_id", read.next_id_);
    const Json* lanes = fields.Find("lanes");
    const Json* records = fields.Find("records");
    RETURN_IF_ERROR(fields.Finish());
    const Json none = Json::array();
    for (const Json& each : lanes == nullptr ? none : *lanes) {
      Lane lane;
      std::string channel;
      RETURN_IF_ERROR(read.LoadLane(each, lane, channel));
      read.lanes_[channel] = std::move(lane);
    }
    for (const Json& each : records == nullptr ? none : *records) {
      ASSIGN_OR_RETURN(DeliveryRecord record, ReadDelivery(each, "records"));
      read.records_.push_back(std::move(record));
    }
    return Status::Ok();
  };
  if (const Status status = load(); !status.ok()) {
    return DataLoss(fmt::format("the kept notifications cannot be read: {}", status.message()));
  }
  lanes_ = std::move(read.lanes_);
  records_ = std::move(read.records_);
  next_id_ = read.next_id_;
  return Status::Ok();
}

}  // namespace vitrine::monitor
