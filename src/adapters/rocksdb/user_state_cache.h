/// States of the users who asked last, so that a request does not read, decode and derive its user's
/// state from the store again.
/// An entry is what the store holds under one subject's own keys; who was identified as whom is put
/// together by the reader, so that a change of a key concerns that key's entry alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/metrics.h"
#include "data/event_log.h"

namespace vitrine::adapters {

/// Immutable once it is kept.
struct SubjectRecord {
  bool has_state = false;  ///< events of its own; an identified visitor has none
  bool known = false;      ///< a state or a row: `view` says something
  std::string alias;       ///< whom it was identified as, where it has no state; empty: nobody
  data::UserState view;
};

/// Threads: any. A look-up takes one short lock, never held while the store is read.
class UserStateCache {
 public:
  using Record = std::shared_ptr<const SubjectRecord>;
  /// When a look-up missed. A record read since then is kept only if nothing was dropped meanwhile: it may
  /// have been read before the write that the drop told of.
  struct Moment {
    std::uint64_t drops = 0;
  };

  /// `bytes` of entries at most, all in all; 0: nothing is kept. Least recently used ones leave.
  /// Metrics (null: none are written): vitrine_user_cache_lookups_total{result},
  /// vitrine_user_cache_evictions_total, vitrine_user_cache_bytes.
  explicit UserStateCache(std::size_t bytes, MetricRegistry* metrics = nullptr);

  /// Null on a miss; `moment` is what Keep needs then.
  Record Find(std::string_view subject, Moment& moment);
  void Keep(std::string_view subject, const Record& record, Moment moment);
  /// After a write of any of the subject's keys is in the store and before it is acknowledged.
  void Drop(std::string_view subject);
  void DropAll();

  [[nodiscard]] bool on() const { return most_of_a_shard_ > 0; }
  [[nodiscard]] std::size_t bytes() const;

 private:
  static constexpr std::size_t kShards = 16;

  struct Entry {
    std::string subject;
    Record record;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the one asked for last first
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;
    std::unordered_map<std::string_view, Entries::iterator> by_subject;  // keys in entries
    std::size_t bytes = 0;
    std::uint64_t drops = 0;
  };
  Shard& ShardOf(std::string_view subject) {
    return shards_[std::hash<std::string_view>()(subject) % kShards];
  }
  static void Erase(Shard& shard, Entries::iterator entry);

  std::size_t most_of_a_shard_;
  std::array<Shard, kShards> shards_;
  Counter* hits_ = nullptr;
  Counter* misses_ = nullptr;
  Counter* evictions_ = nullptr;
  Gauge* held_ = nullptr;
};

}  // namespace vitrine::adapters
