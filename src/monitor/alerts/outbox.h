/// Which changes of alerts go to which channel, and when: gathered into few messages, not more a minute than the
/// channel takes, again after a failure, and once more where nobody did anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/alert_book.h"

namespace vitrine::monitor {

struct OutboxOptions {
  std::chrono::seconds gather{
      30};  ///< from the first change on: what comes meanwhile is in the same message
  std::chrono::seconds between{60};  ///< messages of one channel
  std::chrono::hours remind{4};      ///< of what fires and nobody acknowledged; 0: never
  /// Channels whose receiver forgets an alert that is not said again: each open one is, acknowledged or not.
  std::set<std::string, std::less<>> renewed = {};
  std::chrono::hours renew{12};  ///< at least so often, there
  std::size_t per_minute = 20;   ///< messages that a channel takes; robots of chats refuse more
  std::chrono::seconds first_retry{10};  ///< doubled each time
  std::chrono::minutes longest_retry{10};
  int attempts = 10;  ///< then a message is given up, and what still fires is said as a reminder
};

/// One message to one channel.
struct Notification {
  std::string id;  ///< the same one at each attempt with the same content, and never with another
  std::string channel;
  std::vector<AlertChange> changes;  ///< worst and most urgent first
  std::vector<Alert> reminders;      ///< still firing
  int attempt = 1;
};

/// What came of an attempt, newest first; for the list of deliveries.
struct DeliveryRecord {
  std::string id;
  std::string channel;
  Micros at;
  int attempt = 1;
  std::size_t alerts = 0;
  bool delivered = false;
  bool given_up = false;
  std::string error;
};

/// Threads: one caller at a time.
class Outbox {
 public:
  explicit Outbox(OutboxOptions options = {}) : options_(std::move(options)) {}

  /// A change waits for its channel. One that fired and was resolved before any message with it was tried is left
  /// out; after a try nobody knows whether it was heard, so that its end is told.
  void Add(std::string_view channel, Micros now, std::span<const AlertChange> changes);

  /// Messages that may go now; each is under way until Report. `open`: the alerts that there are, for reminders.
  std::vector<Notification> Due(Micros now, std::span<const Alert> open);

  /// Says what came of a message that Due gave.
  void Report(const Notification& sent, Micros now, const Status& outcome);

  /// The next moment at which something could be due; none where nothing waits.
  [[nodiscard]] std::optional<Micros> NextDue() const;

  /// Newest first, kMostRecords at most.
  [[nodiscard]] const std::deque<DeliveryRecord>& records() const { return records_; }
  static constexpr std::size_t kMostRecords = 500;
  /// Changes that wait or are under way.
  [[nodiscard]] std::size_t waiting() const;

  /// What waits, what is under way included: after a restart it is sent again, under its id where nothing came to
  /// it; what was sent in the last minute, so that a restart does not exceed what the channel takes; the records.
  [[nodiscard]] std::string ToJson() const;
  /// Errors: kDataLoss (not what ToJson wrote); nothing is changed then.
  Status Load(std::string_view json);

 private:
  struct Lane {
    std::vector<AlertChange> changes;  // in the order in which they came, one an alert
    /// By alert, when it was last spoken of: from the first try on, until its end was told or given up.
    std::map<std::string, Micros> reminded;
    std::set<std::string> unheard;  // those of them whose newest message failed for good
    std::deque<Micros> sent;        // of the last minute
    std::optional<Micros> ready;    // when the changes may go
    std::optional<Notification> under_way;
    /// Goes again, its changes being among those above; `attempt` is that of the next try.
    std::optional<Notification> failed;
  };
  void Put(Lane& lane, const AlertChange& change);
  [[nodiscard]] std::vector<Alert> RemindersFor(std::string_view channel, const Lane& lane,
                                                Micros now, std::span<const Alert> open) const;
  std::optional<Notification> Compose(Lane& lane, std::vector<Alert> reminders,
                                      std::span<const Alert> open);
  static void Delivered(Lane& lane, const Notification& message, Micros now);
  static void GivenUp(Lane& lane, const Notification& message, Micros now);
  void TryAgain(Lane& lane, Notification message, Micros now);
  Status LoadLane(const nlohmann::ordered_json& json, Lane& lane, std::string& channel);
  [[nodiscard]] bool MaySend(Lane& lane, Micros now) const;

  OutboxOptions options_;
  std::map<std::string, Lane, std::less<>> lanes_;  // by channel
  std::deque<DeliveryRecord> records_;
  std::uint64_t next_id_ = 1;
};

}  // namespace vitrine::monitor
