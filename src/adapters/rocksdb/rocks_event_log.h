/// The embedded event log: data::EventLog on RocksDB, in one directory held by one process.
/// Memory: bounded by Options, about 60 MB at most and the users' states that are kept, and 22 bytes and
/// the id for each item.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/metrics.h"
#include "core/status.h"
#include "data/event_log.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace vitrine::adapters {

struct RocksEventLogOptions {
  std::size_t block_cache_bytes = std::size_t{16} << 20;
  std::size_t write_buffer_bytes = std::size_t{32} << 20;
  /// How long an impression can be asked for and explained.
  std::chrono::seconds impression_retention = std::chrono::days{30};
  /// For states of users, ready to be looked at; 0: each look reads the store.
  std::size_t user_state_bytes = std::size_t{16} << 20;
  MetricRegistry* metrics = nullptr;  ///< outlives the log; null: none are written
  /// For tests of crashes: the file system beneath, and whether appends wait for it. Without sync
  /// an acknowledged event may be lost.
  rocksdb::Env* env = nullptr;
  bool sync = true;
};

/// Threads: every method from any thread; appends are written by one thread of its own.
class RocksEventLog final : public data::EventLog {
 public:
  /// Opens or makes the log in `directory` (data/log).
  /// Errors: kFailedPrecondition (in use: names the process; a newer format), kResourceExhausted,
  ///         kPermissionDenied, kDataLoss, kUnavailable.
  static Result<std::unique_ptr<RocksEventLog>> Open(const std::string& directory,
                                                     const RocksEventLogOptions& options = {});
  /// Writes what was posted before.
  ~RocksEventLog() override;

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
  [[nodiscard]] Result<std::shared_ptr<const data::UserState>> ViewUserState(
      std::string_view subject) const override;
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

 private:
  struct Impl;
  explicit RocksEventLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::adapters
