/// The RocksDB under the event log: its column families, keys and settings, shared by the writer
/// and the read-only reader. RocksDB's own headers stay in the .cc files.
///   meta         "format", "sequence" (last given), "durable" (on disk for sure), "dropped"
///   log          sequence (8 bytes, big endian) -> record
///   dedupe       16 bytes of the event_id's SHA-256 -> sequence, whether it was replaced. Outlives
///                erasure: it says nothing of a person, and a late retry of an erased event stays out
///   state        's' subject -> SubjectState; 'a' anonymous_id -> the user it was identified as
///   subjects     subject, sequence -> kind of record and, for impressions, its request_id
///   items        id -> newest row, or the deletion that took it down
///   users        id -> newest row
///   impressions  request_id -> impression
///   numbers      item number (8 bytes, big endian) -> item id
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Iterator;
class Slice;
class Snapshot;
class Status;
}  // namespace rocksdb

namespace vitrine::adapters {

enum class Family : std::uint8_t {
  kMeta,
  kLog,
  kDedupe,
  kState,
  kSubjects,
  kItems,
  kUsers,
  kImpressions,
  kNumbers,
};
inline constexpr std::size_t kFamilies = 9;

inline constexpr int kLogFormat = 1;

struct StoreSettings {
  std::size_t block_cache_bytes = std::size_t{16} << 20;
  /// All families together; a sixth of it per family at most.
  std::size_t write_buffer_bytes = std::size_t{32} << 20;
  std::chrono::seconds impression_retention{};
  rocksdb::Env* env = nullptr;  ///< null: the machine's own
};

/// Whether RocksDB failed behind our back: in a flush or a compaction.
struct Health {
  std::atomic<bool> failed{false};
};

/// What the compaction of impressions and of the index of subjects may throw away.
struct Retention {
  std::chrono::seconds impressions{};
  std::atomic<std::uint64_t> dropped{0};  ///< log records up to here are gone
  [[nodiscard]] bool Expired(Micros received, Micros now) const;
};

/// Threads: reads from any thread with gate() held shared; Reopen and writes from one thread.
class Store {
 public:
  /// Opens for writing; makes the directory (and those above it) and the format mark.
  /// Errors: kFailedPrecondition (in use: names the process; a newer format), kResourceExhausted,
  ///         kPermissionDenied, kDataLoss.
  static Result<std::unique_ptr<Store>> Open(const std::string& directory,
                                             const StoreSettings& settings);
  /// Opens as a secondary beside a writer (or without one); `scratch` is an own empty directory.
  /// Errors: kNotFound (no event log there), kFailedPrecondition (newer format), kUnavailable.
  static Result<std::unique_ptr<Store>> OpenSecondary(const std::string& directory,
                                                      const std::string& scratch,
                                                      const StoreSettings& settings);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Held shared while anything of the store is read: Reopen waits for it.
  [[nodiscard]] std::shared_mutex& gate() const { return gate_; }
  /// Precondition: open().
  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  /// False after a failed Reopen; reads fail then.
  [[nodiscard]] bool open() const { return db_ != nullptr; }
  [[nodiscard]] const Health& health() const { return *health_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Family f) const {
    return families_.at(static_cast<std::size_t>(f));
  }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] Retention& retention() const { return *retention_; }

  /// None where the key is not there.
  [[nodiscard]] Result<std::optional<std::string>> Get(Family f, std::string_view key) const;
  /// A number of meta; 0 where it was never written.
  [[nodiscard]] Result<std::uint64_t> MetaNumber(std::string_view name) const;
  [[nodiscard]] std::unique_ptr<rocksdb::Iterator> NewIterator(Family f) const;

  /// Frees the disk of log records that were deleted through `sequence`, and forgets their index.
  void DropFilesThrough(std::uint64_t sequence);

  /// Goes on after a failed write: closes and opens again, as after a crash. RocksDB's own resuming
  /// does not come back from every failure. Tries only where there is room to write.
  /// Errors: kResourceExhausted, kUnavailable, kDataLoss: still failing.
  Status Reopen();

  /// A RocksDB failure in our words: full disks, locks and damage are named with the directory.
  [[nodiscard]] Status Translate(const rocksdb::Status& status) const;

 private:
  Store(std::string directory, const StoreSettings& settings);
  Status OpenForWriting();
  void Close();
  Status CheckFormat();

  std::string directory_;
  StoreSettings settings_;
  std::shared_ptr<Retention> retention_;
  std::shared_ptr<Health> health_;
  mutable std::shared_mutex gate_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families_{};
};

/// Keys and small values.
rocksdb::Slice SliceOf(std::string_view bytes);
std::string_view ViewOf(const rocksdb::Slice& slice);
std::string DedupeKey(std::string_view event_id);
std::string StateKey(std::string_view subject);
std::string AliasKey(std::string_view anonymous_id);
/// The subject or visitor that a key of Family::kState is of.
std::string_view SubjectOfStateKey(std::string_view key);

}  // namespace vitrine::adapters
