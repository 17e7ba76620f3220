/// For tests and benchmarks of serving and explaining: an event log in memory that keeps its
/// promises for one process.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "data/event_log.h"

namespace vitrine::serve {

/// Only what serving uses; other methods answer kUnimplemented.
class FakeLog final : public data::EventLog {
  template <typename F>
  auto With(F&& f) const {
    const std::scoped_lock lock(mutex_);
    return f();
  }

 public:
  Result<std::vector<data::AppendVerdict>> AppendEvents(std::span<const Event> events,
                                                        Deadline) override {
    for (const Event& event : events) {
      for (const EventItem& item : event.items) {
        (void)InternItem(item.item_id);
      }
      Tell(event);
    }
    return std::vector<data::AppendVerdict>(events.size(), data::AppendVerdict::kAccepted);
  }
  Status AppendItems(std::span<const Item> items, Deadline) override {
    for (const Item& item : items) {
      (void)InternItem(item.id);
      With([&] { catalogue_.insert_or_assign(item.id, item); });
      Tell(item);
    }
    return Status::Ok();
  }
  Status AppendUsers(std::span<const User>, Deadline) override { return Unimplemented("users"); }
  Status DeleteItem(std::string_view id, Deadline) override {
    With([&] { catalogue_.erase(std::string(id)); });
    Tell(data::ItemDeletion{std::string(id), Micros{1}});
    return Status::Ok();
  }
  /// The state alone.
  Result<std::uint64_t> EraseUser(std::string_view subject, Deadline) override {
    return With([&]() -> Result<std::uint64_t> {
      return static_cast<std::uint64_t>(states_.erase(std::string(subject)));
    });
  }
  Status AppendImpression(const Impression& impression) override {
    return With([&] {
      if (!keeps_impressions) {
        return Status::Ok();
      }
      if (!impressions_fit) {
        return Unavailable("the fake log takes no impressions");
      }
      impressions_.insert_or_assign(impression.request_id, impression);
      return Status::Ok();
    });
  }
  Result<Impression> GetImpression(std::string_view request_id) const override {
    return With([&]() -> Result<Impression> {
      const auto found = impressions_.find(request_id);
      if (found == impressions_.end()) {
        return NotFound("no answer '" + std::string(request_id) + "'");
      }
      return found->second;
    });
  }
  Result<std::vector<data::LogRecord>> Read(std::uint64_t, std::size_t) const override {
    return Unimplemented("read");
  }
  [[nodiscard]] std::uint64_t LastSequence() const override { return sequence_; }
  Result<data::UserState> GetUserState(std::string_view subject) const override {
    ASSIGN_OR_RETURN(const auto view, ViewUserState(subject));
    return view == nullptr ? Result<data::UserState>(NotFound("no subject")) : *view;
  }
  [[nodiscard]] Result<std::shared_ptr<const data::UserState>> ViewUserState(
      std::string_view subject) const override {
    return With([&]() -> Result<std::shared_ptr<const data::UserState>> {
      ++state_reads;
      const auto found = states_.find(subject);
      return found == states_.end() ? nullptr : found->second;
    });
  }
  Result<std::vector<Event>> ReadUserEvents(std::string_view, std::size_t,
                                            std::string_view) const override {
    return Unimplemented("events");
  }
  Result<data::ItemNumber> InternItem(std::string_view id) override {
    return With([&]() -> Result<data::ItemNumber> {
      const auto [at, made] =
          numbers_.emplace(std::string(id), static_cast<data::ItemNumber>(ids_.size()));
      if (made) {
        ids_.emplace_back(id);
      }
      return at->second;
    });
  }
  [[nodiscard]] std::optional<data::ItemNumber> FindItem(std::string_view id) const override {
    return With([&]() -> std::optional<data::ItemNumber> {
      const auto found = numbers_.find(id);
      return found == numbers_.end() ? std::nullopt : std::optional(found->second);
    });
  }
  [[nodiscard]] std::string ItemId(data::ItemNumber number) const override {
    return With([&] { return number < ids_.size() ? ids_[number] : std::string(); });
  }
  [[nodiscard]] std::size_t ItemNumbers() const override {
    return With([&] { return ids_.size(); });
  }
  Result<Item> GetItem(std::string_view id) const override {
    return With([&]() -> Result<Item> {
      const auto found = catalogue_.find(id);
      return found == catalogue_.end() ? Result<Item>(NotFound("no item")) : found->second;
    });
  }
  Result<std::vector<Item>> ListItems(std::string_view cursor, std::size_t limit) const override {
    return With([&]() -> Result<std::vector<Item>> {
      std::vector<Item> items;
      for (auto at = catalogue_.upper_bound(cursor); at != catalogue_.end() && items.size() < limit;
           ++at) {
        items.push_back(at->second);
      }
      return items;
    });
  }
  Result<User> GetUser(std::string_view) const override { return Unimplemented("user"); }
  void SetListener(Listener listener) override { listener_ = std::move(listener); }
  Status LoadUserStates(std::span<const std::pair<std::string, data::UserState>> states,
                        std::uint64_t) override {
    With([&] {
      for (const auto& [subject, state] : states) {
        states_.insert_or_assign(subject, std::make_shared<const data::UserState>(state));
      }
    });
    return Status::Ok();
  }
  Status DropThrough(std::uint64_t) override { return Status::Ok(); }

  /// A state of events (item id, type), one basket and one second each, `bought` kept along.
  void SetUser(const std::string& subject,
               const std::vector<std::pair<std::string, EventType>>& events) {
    data::UserState state;
    for (const auto& [id, type] : events) {
      const data::ItemNumber number = InternItem(id).value();
      const auto at = static_cast<std::uint32_t>(state.events.size());
      if (type == EventType::kHide) {
        state.hidden.push_back(number);
        continue;
      }
      state.events.push_back(
          {.item = number, .ts = Micros{(at + 1) * kMicrosPerSecond}, .type = type, .basket = at});
      if (type == EventType::kPurchase) {
        state.bought.push_back(number);
      }
    }
    std::sort(state.bought.begin(), state.bought.end());
    std::sort(state.hidden.begin(), state.hidden.end());
    With([&] {
      states_.insert_or_assign(subject, std::make_shared<const data::UserState>(std::move(state)));
    });
  }

  mutable int state_reads = 0;
  bool impressions_fit = true;
  bool keeps_impressions = true;  ///< false: they are taken and forgotten

 private:
  void Tell(data::LogBody body) {
    ++sequence_;
    if (listener_) {
      listener_({.sequence = sequence_, .received = Now(), .body = std::move(body)});
    }
  }

  mutable std::mutex mutex_;
  std::map<std::string, data::ItemNumber, std::less<>> numbers_;
  std::vector<std::string> ids_;
  std::map<std::string, Item, std::less<>> catalogue_;
  std::map<std::string, std::shared_ptr<const data::UserState>, std::less<>> states_;
  std::map<std::string, Impression, std::less<>> impressions_;
  std::uint64_t sequence_ = 0;
  Listener listener_;
};

}  // namespace vitrine::serve
