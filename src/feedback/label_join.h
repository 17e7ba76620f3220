/// Joins what was shown with what shoppers did afterwards into labelled examples: one per shown
/// item, positives and negatives.
///   - An event's item belongs to the answer named by its request_id; without one, to the newest
///     answer before it that showed the item to the same shopper within the event's window.
///   - Labels are late or not by their own time, not by when they arrived: an event that came days
///     later still counts where its ts lies within the window.
///   - A return takes the purchase of its order (or, without one, the newest of shopper and item)
///     back. An event that is replaced, or stands twice, does not count. identify makes an anonymous
///     shopper and a user one. An erased shopper leaves no example.
///   - A place of an answer whose item_id is empty (it is not known what stood there) gives no example.
///   - An answer whose windows are still open at `as_of` is not ripe: it gives no example yet.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/time.h"
#include "data/event_log.h"

namespace vitrine::feedback {

struct LabelOptions {
  Micros as_of;                                     ///< now; 0: the newest time in the records
  Micros click_window{30 * 60 * kMicrosPerSecond};  ///< click, view, like, dwell, hide
  Micros purchase_window{kMicrosPerDay};            ///< cart, favourite, purchase, share, rating
  Micros late_after{3'600 * kMicrosPerSecond};      ///< received so long after its ts: told as late
};

/// One shown item and what followed.
struct Example {
  std::string request_id;
  std::string subject;  ///< after identify: the user's id
  std::string scene;
  std::string model;
  std::string item_id;
  std::int32_t position = 0;  ///< 0-based place in the answer
  double score = 0;
  std::string source;
  Micros ts;             ///< of the answer
  bool clicked = false;  ///< click, view or dwell
  bool carted = false;   ///< cart or favourite
  bool purchased = false;
  bool returned = false;  ///< bought and brought back: purchased is false again
  bool disliked = false;  ///< hide
  /// Bit t: an event of EventType t belongs to it; of a purchase, while one stands.
  std::uint32_t events = 0;
  double dwell_seconds = 0;
  double revenue = 0;  ///< price * quantity, in the event's currency
  friend bool operator==(const Example&, const Example&) = default;
};

struct LabelCounts {
  std::uint64_t answers = 0;   ///< impressions read
  std::uint64_t ripe = 0;      ///< of them, with closed windows
  std::uint64_t labels = 0;    ///< items of events that belong to an answer, ripe or not
  std::uint64_t late = 0;      ///< of them, received late
  std::uint64_t unjoined = 0;  ///< items of events that belong to no answer
  std::uint64_t replaced = 0;  ///< events that do not count: replaced or twice
  std::uint64_t reversed = 0;  ///< purchases taken back
};

struct LabelResult {
  std::vector<Example> examples;  ///< by time of the answer, then place
  LabelCounts counts;
  /// Sequence number from which the next run must read so that no open answer is lost: that of the
  /// oldest answer that is not ripe, or one past the last record.
  std::uint64_t resume_from = 0;
};

/// Precondition: records by rising sequence.
LabelResult JoinLabels(std::span<const data::LogRecord> records, const LabelOptions& options);

/// An event of one of these types belongs to the example.
bool IsLabelled(const Example& example, const std::set<EventType>& types);

/// One JSON line per example, with "\n".
std::string ToJsonLine(const Example& example);

}  // namespace vitrine::feedback
