/// The impressions that were written last, as they were posted: who reads the log right behind the writer takes them
/// from here, and not each by its name from the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/rocksdb/append_work.h"
#include "core/time.h"

namespace vitrine::adapters {

/// An impression and its place in the log.
struct PlacedImpression {
  std::uint64_t sequence = 0;
  Micros received;
  std::shared_ptr<const PostedImpression> posted;
};

/// Threads: every method from any thread.
class RecentImpressions {
 public:
  /// Keeps at most so many, and so many bytes of them; the oldest leave.
  RecentImpressions(std::size_t most, std::size_t most_bytes)
      : most_(most), most_bytes_(most_bytes) {}

  /// Precondition: sequences rise, from call to call too. One whose request_id is here already takes its place.
  void Add(std::span<const PlacedImpression> placed);
  /// Their sequences may be given anew.
  void Clear();
  /// Those with after < sequence <= last, by sequence.
  [[nodiscard]] std::vector<PlacedImpression> Between(std::uint64_t after,
                                                      std::uint64_t last) const;

 private:
  void DropOldest();

  const std::size_t most_;
  const std::size_t most_bytes_;
  mutable std::mutex mutex_;
  std::deque<PlacedImpression> placed_;  // `posted` is null where a later one took the place
  std::unordered_map<std::string_view, std::uint64_t> by_request_;  // by the posted one's own text
  std::size_t bytes_ = 0;
};

}  // namespace vitrine::adapters
