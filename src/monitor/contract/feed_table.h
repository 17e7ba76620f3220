/// How late the rows of each feed come, and how many of them are dated after they came: clocks that
/// run ahead, senders that wait. A feed is who sent: the API key's name, or "local".
/// Threads: any; a call takes a lock for about a microsecond and, but for a feed that is new, asks
/// for no memory.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/metrics.h"
#include "core/time.h"

namespace vitrine::monitor {

struct FeedRow {
  std::string feed;
  std::uint64_t events = 0;      ///< taken, repeated ones too, since the server began
  std::uint64_t duplicates = 0;  ///< of them, event_ids that were there
  std::uint64_t future = 0;      ///< dated more than kFutureMargin after they came
  Histogram::View lags;          ///< arrival less event time, seconds; what is ahead counts as 0
  double ahead_seconds = 0;      ///< the furthest ahead that one was
  Micros newest;                 ///< time of the newest event
  Micros arrived;                ///< when the last one came
};

class FeedTable {
 public:
  static constexpr std::size_t kMostFeeds = 32;  ///< those beyond are "other"
  static constexpr Micros kFutureMargin{60 * kMicrosPerSecond};

  FeedTable();
  void Count(std::string_view feed, std::span<const Event> events, std::uint64_t duplicates,
             Micros now);
  [[nodiscard]] std::vector<FeedRow> Rows() const;

 private:
  mutable std::mutex mutex_;
  std::vector<FeedRow> rows_;
};

}  // namespace vitrine::monitor
