/// The one thread that writes the event log. Appends that wait together are written as one batch
/// with one fsync (group commit), so many small appends cost what one does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "adapters/rocksdb/append_work.h"
#include "adapters/rocksdb/item_numbers.h"
#include "adapters/rocksdb/recent_impressions.h"
#include "adapters/rocksdb/store.h"
#include "adapters/rocksdb/user_state_cache.h"
#include "core/guarded.h"
#include "core/impression.h"
#include "core/status.h"
#include "core/time.h"
#include "data/event_log.h"

namespace rocksdb {
class WriteBatch;
}  // namespace rocksdb

namespace vitrine::adapters {

class AppendBatch;

/// Threads: every method from any thread.
class AppendWriter {
 public:
  /// `sequence` is the last one in the store, all of it on disk. `sync` false gives up the promise
  /// (only to show that tests notice). `states` hears of every change before it is acknowledged.
  AppendWriter(Store& store, ItemNumbers& numbers, UserStateCache& states, std::uint64_t sequence,
               bool sync);
  /// Writes what is waiting, then stops.
  ~AppendWriter();
  AppendWriter(const AppendWriter&) = delete;
  AppendWriter& operator=(const AppendWriter&) = delete;

  /// Waits until `work` is on disk and heard by the listener; results are in `work` then.
  /// Errors: kResourceExhausted, kUnavailable, kDataLoss, kNotFound and kInvalidArgument (of the
  ///         work itself), kDeadlineExceeded (says whether it may still be written).
  Status Append(AppendWork& work, Deadline deadline);
  /// Does not wait; it is written with others within some 20 ms. Errors: kUnavailable (too many wait already).
  Status Post(const Impression& impression);
  /// One that was posted and is not written yet.
  [[nodiscard]] std::shared_ptr<const PostedImpression> FindPosted(
      std::string_view request_id) const;

  /// Those that were written last.
  [[nodiscard]] const RecentImpressions& recent() const { return recent_; }
  /// Last sequence that is on disk.
  [[nodiscard]] std::uint64_t durable() const { return durable_; }
  void SetListener(data::EventLog::Listener listener);

 private:
  enum class Stage : std::uint8_t { kWaiting, kBuilding, kWriting, kDone };
  struct Ticket {
    AppendWork work;
    Status status;
    Stage stage = Stage::kWaiting;
  };
  using Group = std::vector<std::shared_ptr<Ticket>>;

  void Run();
  /// Waits for work; empty where there is none and it is time to sync or to stop.
  Group TakeGroup();
  void Commit(const Group& group);
  /// Errors: as AppendBatch's: no ticket of the group was changed for good.
  Status Build(AppendBatch& batch, const Group& group);
  /// After a failed write the store is reopened, now and then, before anything is built on it.
  Status MakeWritable();
  Status Write(rocksdb::WriteBatch& batch, bool sync);
  void MarkDurable(std::uint64_t sequence);
  void SyncPosted();
  void SetStage(const Group& group, Stage stage, const Status* failure);
  void Tell(const std::vector<data::LogRecord>& records);

  Store& store_;
  ItemNumbers& numbers_;
  UserStateCache& states_;
  const bool sync_;
  std::atomic<std::uint64_t> durable_;
  Published<data::EventLog::Listener> listener_;
  RecentImpressions recent_;

  // Only of the writer thread.
  std::uint64_t sequence_;
  Status failure_;         // of the last write: the store must be reopened before the next
  Deadline retry_at_;      // of reopening
  bool unsynced_ = false;  // impressions were written since the last sync
  Deadline unsynced_since_;

  mutable std::mutex mutex_;
  std::condition_variable work_ready_;
  std::condition_variable work_done_;
  std::deque<std::shared_ptr<Ticket>> queue_;
  std::size_t callers_ = 0;  // of what is in the queue: those who wait for it
  std::unordered_map<std::string_view, std::shared_ptr<const PostedImpression>>
      posted_;  // by their own
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace vitrine::adapters
