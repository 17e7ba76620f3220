/// Turns a group of appends into one RocksDB batch: log records, dedupe, user states, index. Reads
/// what is on disk and what the group itself has changed so far.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/rocksdb/append_work.h"
#include "adapters/rocksdb/item_numbers.h"
#include "adapters/rocksdb/recent_impressions.h"
#include "adapters/rocksdb/record_codec.h"
#include "adapters/rocksdb/store.h"
#include "adapters/rocksdb/subject_index.h"
#include "adapters/rocksdb/subject_state.h"
#include "core/status.h"
#include "data/event_log.h"

namespace rocksdb {
class WriteBatch;
}  // namespace rocksdb

namespace vitrine::adapters {

/// Threads: one; the only writer of the store while it lives.
class AppendBatch {
 public:
  /// `sequence` is the last one given; `keep_records` collects them for the listener.
  AppendBatch(const Store& store, ItemNumbers& numbers, std::uint64_t sequence, Micros received,
              bool keep_records);
  ~AppendBatch();
  AppendBatch(const AppendBatch&) = delete;
  AppendBatch& operator=(const AppendBatch&) = delete;

  /// Adds one append; its rows must stay until Finish. A failure of its own (nothing to delete) is `outcome` and adds nothing.
  /// Errors: kDataLoss, kUnavailable: the whole batch is void.
  Status Add(AppendWork& work, Status& outcome);
  /// Puts what the group changed into the batch; nothing may be added afterwards.
  Status Finish();

  [[nodiscard]] rocksdb::WriteBatch& batch() { return *batch_; }
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  [[nodiscard]] data::ItemNumber item_numbers() const { return item_numbers_; }
  [[nodiscard]] const std::vector<data::LogRecord>& records() const { return records_; }
  [[nodiscard]] const std::vector<PlacedImpression>& impressions() const { return impressions_; }
  /// Whose state, row or identification it writes; some more than once.
  [[nodiscard]] const std::vector<std::string>& subjects() const { return subjects_; }

 private:
  struct Seen {
    std::uint64_t sequence = 0;  ///< 0: replaced before it came
    bool replaced = false;
  };
  struct Row {
    Micros valid_from;
    bool deleted = false;
  };

  Status AddEvents(EventRows& work);
  Status AddEvent(const Event& event, data::AppendVerdict& verdict);
  Status Identify(const Event& event);
  Status MoveSubject(std::string_view from, const std::string& to);
  Status Replace(const Event& event, std::string_view subject);
  Status AddItems(std::span<const Item> items);
  Status AddUsers(std::span<const User> users);
  Status RemoveItem(const std::string& id, Status& outcome);
  Status AddImpression(const std::shared_ptr<const PostedImpression>& posted);
  Status Erase(SubjectErasure& work);
  Status EraseEntry(const SubjectEntry& entry, std::string_view key, std::uint64_t& removed);
  Status LoadStates(const StateRows& work);
  Status Reapply(const std::string& subject, std::uint64_t watermark, SubjectState& state);
  Status Drop(const LogDrop& work, Status& outcome);

  /// Puts one record into the log and gives its sequence.
  template <typename Body>
  std::uint64_t Log(std::string_view bytes, const Body& body) {
    Put(Family::kLog, SequenceKey(++sequence_), bytes);
    if (keep_records_) {
      records_.push_back({sequence_, received_, body});
    }
    return sequence_;
  }
  void Put(Family family, std::string_view key, std::string_view value);
  void Delete(Family family, std::string_view key);
  void NoteSubject(Family family, std::string_view key);

  Result<std::optional<Seen>> FindSeen(const std::string& dedupe_key);
  void SetSeen(const std::string& dedupe_key, Seen seen);
  /// Who an event's or impression's subject is after identification.
  Result<std::string> Resolve(std::string_view user_id, std::string_view anonymous_id);
  /// The state of a subject, to be changed: loaded on first use, written by Finish.
  Result<SubjectState*> StateOf(const std::string& subject);
  /// The row (or deletion) that is current; none where there never was one.
  Result<std::optional<Row>> CurrentRow(Family family, std::string_view id);
  std::vector<data::ItemNumber> NumbersOf(const Event& event);

  const Store& store_;
  ItemNumbers& numbers_;
  std::uint64_t sequence_;
  Micros received_;
  bool keep_records_;
  data::ItemNumber item_numbers_ = 0;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  std::vector<data::LogRecord> records_;
  std::vector<PlacedImpression> impressions_;
  std::vector<std::string> subjects_;

  std::unordered_map<std::string, Seen> seen_;
  std::unordered_map<std::string, std::optional<SubjectState>> states_;  // none: to be deleted
  std::unordered_map<std::string, std::string> aliases_;
  std::vector<SubjectEntry> entries_;                       // index entries of this group
  std::unordered_map<std::uint64_t, const Event*> events_;  // of this group; the callers' own
  std::map<std::pair<Family, std::string>, Row> rows_;      // current rows of this group
};

}  // namespace vitrine::adapters
