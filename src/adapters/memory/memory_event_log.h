/// An event log that lives in memory: for tests, and the yardstick of the contract that every event
/// log passes. Slow where slow is obvious; nothing survives it.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/memory/state_replay.h"
#include "core/status.h"
#include "data/event_log.h"

namespace vitrine::adapters {

/// Threads: every method from any thread.
class MemoryEventLog final : public data::EventLog {
 public:
  Result<std::vector<data::AppendVerdict>> AppendEvents(std::span<const Event> events,
                                                        Deadline deadline) override;
  Status AppendItems(std::span<const Item> items, Deadline deadline) override;
  Status AppendUsers(std::span<const User> users, Deadline deadline) override;
  Status DeleteItem(std::string_view id, Deadline deadline) override;
  Result<std::uint64_t> EraseUser(std::string_view subject, Deadline deadline) override;

  Status AppendImpression(const Impression& impression) override;
  Result<Impression> GetImpression(std::string_view request_id) const override;

  Result<std::vector<data::LogRecord>> Read(std::uint64_t after, std::size_t limit) const override;
  [[nodiscard]] std::uint64_t LastSequence() const override;

  Result<data::UserState> GetUserState(std::string_view subject) const override;
  Result<std::vector<Event>> ReadUserEvents(std::string_view subject, std::size_t limit,
                                            std::string_view cursor) const override;

  Result<data::ItemNumber> InternItem(std::string_view id) override;
  [[nodiscard]] std::optional<data::ItemNumber> FindItem(std::string_view id) const override;
  [[nodiscard]] std::string ItemId(data::ItemNumber number) const override;
  [[nodiscard]] std::size_t ItemNumbers() const override;

  Result<Item> GetItem(std::string_view id) const override;
  Result<std::vector<Item>> ListItems(std::string_view cursor, std::size_t limit) const override;
  Result<User> GetUser(std::string_view id) const override;

  void SetListener(Listener listener) override;

  using data::EventLog::LoadUserStates;
  Status LoadUserStates(std::span<const std::pair<std::string, data::UserState>> states,
                        std::uint64_t watermark) override;

  Status DropThrough(std::uint64_t sequence) override;

  /// The next appends fail with this, until OK is set: what a full disk does.
  void FailAppends(Status status);

 private:
  /// A row or, with `deleted`, the deletion that took it down.
  struct CurrentItem {
    Item row;
    Micros since;
    bool deleted = false;
  };

  // All with mutex_ held.
  data::ItemNumber Intern(std::string_view id);
  const data::LogRecord& Log(data::LogBody body, std::vector<data::LogRecord>& heard);
  [[nodiscard]] std::set<std::string> IdsToErase(const std::string& subject) const;

  void Tell(const std::vector<data::LogRecord>& records) const;

  std::mutex order_;  // appends, with their listener calls, one after another
  mutable std::mutex mutex_;
  Listener listener_;
  Status failure_;
  std::uint64_t sequence_ = 0;
  std::map<std::uint64_t, data::LogRecord> records_;
  std::vector<ReplayStep> steps_;
  std::map<std::string, std::uint64_t, std::less<>> event_ids_;
  std::map<std::string, CurrentItem, std::less<>> items_;
  std::map<std::string, User, std::less<>> users_;
  std::map<std::string, std::uint64_t, std::less<>> impressions_;  // request_id -> sequence
  std::map<std::uint64_t, Impression> impression_bodies_;
  std::vector<std::string> item_ids_;
  std::map<std::string, data::ItemNumber, std::less<>> item_numbers_;
};

}  // namespace vitrine::adapters
