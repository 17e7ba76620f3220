#include "adapters/memory/memory_event_log.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <variant>

#include <fmt/format.h>

namespace vitrine::adapters {

data::ItemNumber MemoryEventLog::Intern(std::string_view id) {
  const auto [place, is_new] =
      item_numbers_.emplace(std::string(id), static_cast<data::ItemNumber>(item_ids_.size()));
  if (is_new) {
    item_ids_.emplace_back(id);
  }
  return place->second;
}

const data::LogRecord& MemoryEventLog::Log(data::LogBody body,
                                           std::vector<data::LogRecord>& heard) {
  ++sequence_;
  heard.push_back({sequence_, Now(), std::move(body)});
  records_[sequence_] = heard.back();
  return heard.back();
}

void MemoryEventLog::Tell(const std::vector<data::LogRecord>& records) const {
  Listener listener;
  {
    const std::scoped_lock lock(mutex_);
    listener = listener_;
  }
  if (listener != nullptr) {
    for (const data::LogRecord& record : records) {
      listener(record);
    }
  }
}

Result<std::vector<data::AppendVerdict>> MemoryEventLog::AppendEvents(std::span<const Event> events,
                                                                      Deadline /*deadline*/) {
  const std::scoped_lock order(order_);
  std::vector<data::AppendVerdict> verdicts;
  std::vector<data::LogRecord> heard;
  {
    const std::scoped_lock lock(mutex_);
    RETURN_IF_ERROR(failure_);
    for (const Event& event : events) {
      if (event.event_id.empty() || event.subject().empty()) {
        return InvalidArgument("an event has no event_id, or neither user_id nor anonymous_id");
      }
    }
    for (const Event& event : events) {
      if (event_ids_.contains(event.event_id)) {
        verdicts.push_back(data::AppendVerdict::kDuplicate);
        continue;
      }
      verdicts.push_back(data::AppendVerdict::kAccepted);
      ReplayEvent step{Log(event, heard).sequence, event, {}};
      for (const EventItem& item : event.items) {
        step.numbers.push_back(Intern(item.item_id));
      }
      event_ids_[event.event_id] = step.sequence;
      steps_.emplace_back(std::move(step));
    }
  }
  Tell(heard);
  return verdicts;
}

Status MemoryEventLog::AppendItems(std::span<const Item> items, Deadline /*deadline*/) {
  const std::scoped_lock order(order_);
  std::vector<data::LogRecord> heard;
  {
    const std::scoped_lock lock(mutex_);
    RETURN_IF_ERROR(failure_);
    for (const Item& item : items) {
      if (item.id.empty()) {
        return InvalidArgument("an item has no id");
      }
    }
    for (const Item& item : items) {
      Log(item, heard);
      Intern(item.id);
      const auto current = items_.find(item.id);
      if (current == items_.end() || current->second.since <= item.valid_from) {
        items_[item.id] = {item, item.valid_from, false};
      }
    }
  }
  Tell(heard);
  return Status::Ok();
}

Status MemoryEventLog::AppendUsers(std::span<const User> users, Deadline /*deadline*/) {
  const std::scoped_lock order(order_);
  std::vector<data::LogRecord> heard;
  {
    const std::scoped_lock lock(mutex_);
    RETURN_IF_ERROR(failure_);
    for (const User& user : users) {
      if (user.id.empty()) {
        return InvalidArgument("a user has no id");
      }
    }
    for (const User& user : users) {
      Log(user, heard);
      const auto current = users_.find(user.id);
      if (current == users_.end() || current->second.valid_from <= user.valid_from) {
        users_[user.id] = user;
      }
    }
  }
  Tell(heard);
  return Status::Ok();
}

Status MemoryEventLog::DeleteItem(std::string_view id, Deadline /*deadline*/) {
  const std::scoped_lock order(order_);
  std::vector<data::LogRecord> heard;
  {
    const std::scoped_lock lock(mutex_);
    RETURN_IF_ERROR(failure_);
    const auto current = items_.find(id);
    if (current == items_.end() ? !item_numbers_.contains(id) : current->second.deleted) {
      return NotFound(fmt::format("there is no item '{}'", id));
    }
    Micros since = Now();
    if (current != items_.end()) {
      since = std::max(since, current->second.since);
    }
    Log(data::ItemDeletion{std::string(id), since}, heard);
    items_[std::string(id)] = {{}, since, true};
  }
  Tell(heard);
  return Status::Ok();
}

std::set<std::string> MemoryEventLog::IdsToErase(const std::string& subject) const {
  const StateReplay replay(steps_);
  const std::string resolved = replay.Resolve(subject);
  std::set<std::string> ids = replay.IdsOf(resolved);
  ids.insert(resolved);
  ids.insert(subject);
  return ids;
}

Result<std::uint64_t> MemoryEventLog::EraseUser(std::string_view subject, Deadline /*deadline*/) {
  const std::scoped_lock order(order_);
  std::vector<data::LogRecord> heard;
  std::uint64_t removed = 0;
  {
    const std::scoped_lock lock(mutex_);
    RETURN_IF_ERROR(failure_);
    if (subject.empty()) {
      return InvalidArgument("no user is named to be erased");
    }
    const std::set<std::string> ids = IdsToErase(std::string(subject));
    std::set<std::uint64_t> gone;
    const StateReplay replay(steps_);
    for (const std::string& id : ids) {
      gone.merge(replay.EventsOf(id));
      users_.erase(id);
    }
    for (const auto& [sequence, record] : records_) {
      const auto* user = std::get_if<User>(&record.body);
      if (user != nullptr && ids.contains(user->id)) {
        gone.insert(sequence);
      }
    }
    for (auto& [sequence, impression] : impression_bodies_) {
      if (ids.contains(impression.subject)) {
        removed += records_.contains(sequence) ? 0 : 1;
        impressions_.erase(impression.request_id);
        gone.insert(sequence);
      }
    }
    for (const std::uint64_t sequence : gone) {
      removed += records_.erase(sequence);
      impression_bodies_.erase(sequence);
    }
    std::erase_if(steps_, [&](const ReplayStep& step) {
      const auto* event = std::get_if<ReplayEvent>(&step);
      return event != nullptr ? gone.contains(event->sequence)
                              : ids.contains(std::get<ReplayLoad>(step).subject);
    });
    for (const std::string& id : ids) {
      Log(data::UserErasure{id, Now()}, heard);
    }
  }
  Tell(heard);
  return removed;
}

Status MemoryEventLog::AppendImpression(const Impression& impression) {
  const std::scoped_lock order(order_);
  const std::scoped_lock lock(mutex_);
  if (impression.request_id.empty()) {
    return InvalidArgument("the impression has no request_id");
  }
  if (const auto earlier = impressions_.find(impression.request_id);
      earlier != impressions_.end()) {
    records_.erase(earlier->second);
    impression_bodies_.erase(earlier->second);
  }
  std::vector<data::LogRecord> unheard;
  const std::uint64_t sequence = Log(impression, unheard).sequence;
  impressions_[impression.request_id] = sequence;
  impression_bodies_[sequence] = impression;
  return Status::Ok();
}

Result<Impression> MemoryEventLog::GetImpression(std::string_view request_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = impressions_.find(request_id);
  if (found == impressions_.end()) {
    return NotFound(fmt::format("there is no answer with request_id '{}'", request_id));
  }
  return impression_bodies_.at(found->second);
}

Result<std::vector<data::LogRecord>> MemoryEventLog::Read(std::uint64_t after,
                                                          std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  std::vector<data::LogRecord> records;
  for (auto it = records_.upper_bound(after); it != records_.end() && records.size() < limit;
       ++it) {
    records.push_back(it->second);
  }
  return records;
}

std::uint64_t MemoryEventLog::LastSequence() const {
  const std::scoped_lock lock(mutex_);
  return sequence_;
}

Result<data::UserState> MemoryEventLog::GetUserState(std::string_view subject) const {
  const std::scoped_lock lock(mutex_);
  const StateReplay replay(steps_);
  const std::string resolved = replay.Resolve(std::string(subject));
  const auto user = users_.find(resolved);
  if (!replay.Knows(resolved) && user == users_.end()) {
    return NotFound(fmt::format("nothing is known of the user '{}'", subject));
  }
  data::UserState view = replay.Knows(resolved) ? replay.View(resolved) : data::UserState();
  if (user != users_.end()) {
    view.attributes = user->second.attributes;
  }
  return view;
}

Result<std::vector<Event>> MemoryEventLog::ReadUserEvents(std::string_view subject,
                                                          std::size_t limit,
                                                          std::string_view cursor) const {
  const std::scoped_lock lock(mutex_);
  const StateReplay replay(steps_);
  const std::set<std::uint64_t> own = replay.EventsOf(replay.Resolve(std::string(subject)));
  std::uint64_t before = std::numeric_limits<std::uint64_t>::max();
  if (!cursor.empty()) {
    const auto found = event_ids_.find(cursor);
    if (found == event_ids_.end() || !own.contains(found->second)) {
      return InvalidArgument(fmt::format("the cursor '{}' is none of this user's events", cursor));
    }
    before = found->second;
  }
  std::vector<Event> events;
  for (auto it = own.rbegin(); it != own.rend() && events.size() < limit; ++it) {
    const auto record = records_.find(*it);
    if (*it < before && record != records_.end()) {
      events.push_back(std::get<Event>(record->second.body));
    }
  }
  return events;
}

Result<data::ItemNumber> MemoryEventLog::InternItem(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  if (id.empty()) {
    return InvalidArgument("the empty item id has no number");
  }
  return Intern(id);
}

std::optional<data::ItemNumber> MemoryEventLog::FindItem(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = item_numbers_.find(id);
  return found == item_numbers_.end() ? std::nullopt
                                      : std::optional<data::ItemNumber>(found->second);
}

std::string MemoryEventLog::ItemId(data::ItemNumber number) const {
  const std::scoped_lock lock(mutex_);
  return number < item_ids_.size() ? item_ids_[number] : std::string();
}

std::size_t MemoryEventLog::ItemNumbers() const {
  const std::scoped_lock lock(mutex_);
  return item_ids_.size();
}

Result<Item> MemoryEventLog::GetItem(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = items_.find(id);
  if (found == items_.end() || found->second.deleted) {
    return NotFound(fmt::format("there is no item '{}'", id));
  }
  return found->second.row;
}

Result<std::vector<Item>> MemoryEventLog::ListItems(std::string_view cursor,
                                                    std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  std::vector<Item> items;
  for (auto it = items_.upper_bound(cursor); it != items_.end() && items.size() < limit; ++it) {
    if (!it->second.deleted) {
      items.push_back(it->second.row);
    }
  }
  return items;
}

Result<User> MemoryEventLog::GetUser(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = users_.find(id);
  if (found == users_.end()) {
    return NotFound(fmt::format("there is no user '{}'", id));
  }
  return found->second;
}

void MemoryEventLog::SetListener(Listener listener) {
  const std::scoped_lock lock(mutex_);
  listener_ = std::move(listener);
}

Status MemoryEventLog::LoadUserStates(
    std::span<const std::pair<std::string, data::UserState>> states, std::uint64_t watermark) {
  const std::scoped_lock lock(mutex_);
  RETURN_IF_ERROR(failure_);
  for (const auto& [subject, state] : states) {
    const auto unknown = [this](const auto& e) { return e.item >= item_ids_.size(); };
    if (subject.empty() || std::any_of(state.events.begin(), state.events.end(), unknown)) {
      return InvalidArgument(
          fmt::format("the state of '{}' names an item without a number; intern "
                      "its items first",
                      subject));
    }
  }
  for (const auto& [subject, state] : states) {
    steps_.emplace_back(ReplayLoad{subject, state, watermark});
  }
  return Status::Ok();
}

Status MemoryEventLog::DropThrough(std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  if (sequence > sequence_) {
    return InvalidArgument(
        fmt::format("cannot drop the log through {}: its last record is {}", sequence, sequence_));
  }
  records_.erase(records_.begin(), records_.upper_bound(sequence));
  return Status::Ok();
}

void MemoryEventLog::FailAppends(Status status) {
  const std::scoped_lock lock(mutex_);
  failure_ = std::move(status);
}

}  // namespace vitrine::adapters
