#include "monitor/alerts/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "data/json_fields.h"
#include "monitor/alerts/alert_json.h"

namespace vitrine::monitor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond;

std::int64_t MicrosOf(std::chrono::seconds time) { return time.count() * kMicrosPerSecond; }

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

bool MoreUrgent(const AlertChange& a, const AlertChange& b) {
  const auto key = [](const AlertChange& change) {
    return std::tuple(change.kind == AlertChangeKind::kResolved,
                      change.alert.severity != Severity::kCritical, change.alert.priority,
                      change.alert.since);
  };
  return key(a) < key(b);
}

Json ChangesJson(const std::vector<AlertChange>& changes) {
  Json list = Json::array();
  for (const AlertChange& change : changes) {
    list.push_back({{"kind", KindName(change.kind)}, {"alert", ToJson(change.alert)}});
  }
  return list;
}

}  // namespace

void Outbox::Put(Lane& lane, const AlertChange& change) {
  const auto same = std::find_if(
      lane.changes.begin(), lane.changes.end(),
      [&change](const AlertChange& waiting) { return waiting.alert.id == change.alert.id; });
  if (same == lane.changes.end()) {
    lane.changes.push_back(change);
    return;
  }
  if (same->kind == AlertChangeKind::kFired) {
    if (change.kind == AlertChangeKind::kResolved) {
      lane.changes.erase(same);  // nobody was told, nobody need be
      return;
    }
    same->alert = change.alert;  // worsened: it still is one that fired
    return;
  }
  // A resolved one that fires again, or a worsened one that ends: the newest word is the true one.
  *same = change;
}

void Outbox::Add(std::string_view channel, Micros now, std::span<const AlertChange> changes) {
  if (changes.empty()) {
    return;
  }
  Lane& lane = lanes_.try_emplace(std::string(channel)).first->second;
  for (const AlertChange& change : changes) {
    Put(lane, change);
  }
  if (lane.changes.empty()) {
    lane.ready.reset();
  } else if (!lane.ready) {
    lane.ready = Micros{now.value + MicrosOf(options_.gather)};
    if (!lane.sent.empty()) {
      lane.ready->value =
          std::max(lane.ready->value, lane.sent.back().value + MicrosOf(options_.between));
    }
  }
}

bool Outbox::MaySend(Lane& lane, Micros now) const {
  while (!lane.sent.empty() && lane.sent.front().value <= now.value - kMinute) {
    lane.sent.pop_front();
  }
  return !lane.under_way && lane.sent.size() < options_.per_minute;
}

std::vector<Notification> Outbox::Due(Micros now, std::span<const Alert> open) {
  std::vector<Notification> due;
  for (auto& [channel, lane] : lanes_) {
    std::vector<Alert> reminders;
    if (options_.remind.count() > 0) {
      for (const Alert& alert : open) {
        const auto told = lane.reminded.find(alert.id);
        if (alert.state == AlertState::kFiring && alert.quiet_by.empty() &&
            told != lane.reminded.end() &&
            now.value - told->second.value >= MicrosOf(options_.remind)) {
          reminders.push_back(alert);
        }
      }
    }
    const bool ready = lane.ready && *lane.ready <= now;
    if ((!ready && reminders.empty()) || !MaySend(lane, now)) {
      continue;
    }
    Notification message = std::exchange(lane.failed, std::nullopt).value_or(Notification());
    if (message.id.empty()) {
      message.id = fmt::format("n{}", next_id_++);
    }
    message.channel = channel;
    message.changes = std::exchange(lane.changes, {});
    std::stable_sort(message.changes.begin(), message.changes.end(), MoreUrgent);
    for (const AlertChange& change : message.changes) {
      std::erase_if(reminders,
                    [&change](const Alert& alert) { return alert.id == change.alert.id; });
    }
    message.reminders = std::move(reminders);
    lane.ready.reset();
    lane.sent.push_back(now);
    lane.under_way = message;
    due.push_back(std::move(message));
  }
  return due;
}

void Outbox::Report(const Notification& sent, Micros now, const Status& outcome) {
  const auto found = lanes_.find(sent.channel);
  if (found == lanes_.end()) {
    return;
  }
  Lane& lane = found->second;
  if (!lane.under_way || lane.under_way->id != sent.id) {
    return;  // an older word, or one on a message that Due never gave
  }
  Notification message = std::move(*lane.under_way);
  lane.under_way.reset();
  const bool given_up = !outcome.ok() && message.attempt >= options_.attempts;
  records_.push_front({.id = message.id,
                       .channel = message.channel,
                       .at = now,
                       .attempt = message.attempt,
                       .alerts = message.changes.size() + message.reminders.size(),
                       .delivered = outcome.ok(),
                       .given_up = given_up,
                       .error = outcome.ok() ? "" : outcome.message()});
  if (records_.size() > kMostRecords) {
    records_.pop_back();
  }
  const std::int64_t next = now.value + MicrosOf(options_.between);
  if (outcome.ok()) {
    for (const AlertChange& change : message.changes) {
      if (change.kind == AlertChangeKind::kResolved) {
        lane.reminded.erase(change.alert.id);
      } else {
        lane.reminded[change.alert.id] = now;
      }
    }
    for (const Alert& alert : message.reminders) {
      lane.reminded[alert.id] = now;
    }
    if (lane.ready) {
      lane.ready->value = std::max(lane.ready->value, next);
    }
    return;
  }
  // A reminder that did not get there is tried again later, not at each look.
  for (const Alert& alert : message.reminders) {
    lane.reminded[alert.id] =
        Micros{now.value - MicrosOf(options_.remind) + MicrosOf(options_.longest_retry)};
  }
  if (given_up) {
    return;
  }
  // What came while it was under way joins it: older word first, so that the newer one counts.
  std::vector<AlertChange> newer = std::exchange(lane.changes, message.changes);
  for (const AlertChange& change : newer) {
    Put(lane, change);
  }
  const std::int64_t wait =
      std::min(MicrosOf(options_.first_retry) << std::min(message.attempt - 1, 20),
               MicrosOf(options_.longest_retry));
  lane.ready = Micros{now.value + wait};
  message.attempt += 1;
  message.changes.clear();
  message.reminders.clear();
  if (lane.changes.empty()) {
    lane.ready.reset();
  } else {
    lane.failed = std::move(message);
  }
}

std::optional<Micros> Outbox::NextDue() const {
  std::optional<Micros> next;
  for (const auto& [channel, lane] : lanes_) {
    if (!lane.ready || lane.under_way) {
      continue;
    }
    Micros at = *lane.ready;
    if (lane.sent.size() >= options_.per_minute) {
      at.value = std::max(at.value, lane.sent.front().value + kMinute);
    }
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

std::size_t Outbox::waiting() const {
  std::size_t count = 0;
  for (const auto& [channel, lane] : lanes_) {
    count += lane.changes.size() + (lane.under_way ? lane.under_way->changes.size() : 0);
  }
  return count;
}

std::string Outbox::ToJson() const {
  Json lanes = Json::array();
  for (const auto& [channel, lane] : lanes_) {
    std::vector<AlertChange> changes;
    if (lane.under_way) {
      changes = lane.under_way->changes;
    }
    changes.insert(changes.end(), lane.changes.begin(), lane.changes.end());
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
                     {"sent", std::move(sent)}});
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
  const Json none = Json::array();
  data::JsonFields one(json, "lanes");
  one.Read("channel", channel);
  const Json* changes = one.Find("changes");
  const Json* reminded = one.Find("reminded");
  std::vector<std::string> sent;
  one.Read("sent", sent);
  RETURN_IF_ERROR(one.Finish());
  for (const Json& change : changes == nullptr ? none : *changes) {
    data::JsonFields its(change, "changes");
    AlertChange restored;
    its.ReadName("kind", restored.kind,
                 {AlertChangeKind::kFired, AlertChangeKind::kWorsened, AlertChangeKind::kResolved},
                 KindName);
    const Json* alert = its.Find("alert");
    RETURN_IF_ERROR(its.Finish());
    ASSIGN_OR_RETURN(restored.alert, ReadAlert(alert == nullptr ? none : *alert, "changes.alert"));
    Put(lane, restored);
  }
  if (!lane.changes.empty()) {
    lane.ready = Micros{0};
  }
  if (reminded != nullptr && reminded->is_object()) {
    data::JsonFields times(*reminded, "reminded");
    for (const auto& [id, at] : reminded->items()) {
      times.Read(id.c_str(), lane.reminded[id]);
    }
    RETURN_IF_ERROR(times.Finish());
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
