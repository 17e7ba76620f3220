/// Port: the shop's log and what is derived from it while serving. The caller of every stage that
/// collects or serves holds one. Embedded implementation: adapters/rocksdb; for tests:
/// adapters/memory. tests/contract holds the suite that every implementation passes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/catalogue.h"
#include "core/event.h"
#include "core/impression.h"
#include "core/status.h"
#include "core/time.h"

namespace vitrine::data {

/// A stable number per item id, made once when the id is first seen, never reused.
using ItemNumber = std::uint32_t;

struct ItemDeletion {
  std::string id;
  Micros ts;
};
struct UserErasure {
  std::string subject;
  Micros ts;
};
using LogBody = std::variant<Event, Item, User, Impression, ItemDeletion, UserErasure>;

struct LogRecord {
  std::uint64_t sequence = 0;  ///< 1, 2, 3, ... without gaps
  Micros received;
  LogBody body;
};

enum class AppendVerdict : std::uint8_t { kAccepted, kDuplicate };

/// One event of a user's state: ids are numbers, so that serving maps them without strings.
struct StateEvent {
  ItemNumber item = 0;
  Micros ts;
  EventType type = EventType::kView;
  std::uint32_t basket = 0;
  friend bool operator==(const StateEvent&, const StateEvent&) = default;
};

/// What serving knows of one user. Bounded: the newest kMaxStateEvents events; `bought` and `hidden`
/// are kept whole (sorted, distinct).
struct UserState {
  std::vector<StateEvent> events;  ///< oldest first; returns and replacements already applied
  std::vector<ItemNumber> bought;
  std::vector<ItemNumber> hidden;
  Attributes attributes;
};
inline constexpr std::size_t kMaxStateEvents = 512;

/// Threads: every method from any thread.
class EventLog {
 public:
  virtual ~EventLog() = default;

  /// Appends all or nothing. When it returns OK, everything accepted is on disk (group commit +
  /// fsync), deduplicated by event_id (across calls and within this one), and visible in user
  /// state. Verdicts are in row order; a duplicate changes nothing. `identify` merges the anonymous
  /// user's state into the user's from then on; `replaces` takes the earlier event back.
  /// Errors: kResourceExhausted (disk full: names the directory), kUnavailable, kDeadlineExceeded.
  virtual Result<std::vector<AppendVerdict>> AppendEvents(std::span<const Event> events,
                                                          Deadline deadline) = 0;
  /// The same promise for catalogue rows; the newest row (by valid_from) is current.
  virtual Status AppendItems(std::span<const Item> items, Deadline deadline) = 0;
  virtual Status AppendUsers(std::span<const User> users, Deadline deadline) = 0;
  virtual Status DeleteItem(std::string_view id, Deadline deadline) = 0;
  /// Removes every record of the subject; returns how many. A tombstone stays in the log.
  virtual Result<std::uint64_t> EraseUser(std::string_view subject, Deadline deadline) = 0;

  /// Impressions are written without waiting for fsync (they are ours, nobody was promised them):
  /// a crash may lose the last group. Kept by request_id until `retention` has passed; the newest
  /// of two with one request_id stays. GetImpression sees it at once, Read once it is on disk.
  /// Errors: kInvalidArgument (no request_id), kUnavailable (they come faster than the disk takes
  ///         them: this one was dropped).
  virtual Status AppendImpression(const Impression& impression) = 0;
  /// Errors: kNotFound.
  virtual Result<Impression> GetImpression(std::string_view request_id) const = 0;

  /// Records with sequence > after, oldest first, at most `limit`. Only what is on disk is seen, so
  /// that a reader's watermark never runs ahead of what a crash leaves. Erased and dropped records
  /// are missing from the sequence.
  virtual Result<std::vector<LogRecord>> Read(std::uint64_t after, std::size_t limit) const = 0;
  [[nodiscard]] virtual std::uint64_t LastSequence() const = 0;

  /// An anonymous_id that was identified gives its user's state.
  /// Errors: kNotFound (nothing is known of the subject).
  virtual Result<UserState> GetUserState(std::string_view subject) const = 0;
  /// The same for readers that only look, null where nothing is known: what an implementation keeps
  /// between calls is not copied. An append that is acknowledged is in the next view.
  [[nodiscard]] virtual Result<std::shared_ptr<const UserState>> ViewUserState(
      std::string_view subject) const {
    auto state = GetUserState(subject);
    if (state.ok()) {
      return std::make_shared<const UserState>(std::move(state).value());
    }
    if (state.status().code() == Code::kNotFound) {
      return std::shared_ptr<const UserState>();
    }
    return state.status();
  }
  /// The subject's events as they came in, newest (by sequence) first, at most `limit`; `cursor` is
  /// empty or the event_id of the last event of the page before. Empty for an unknown subject.
  /// Errors: kInvalidArgument (a cursor that is none of this subject's events).
  virtual Result<std::vector<Event>> ReadUserEvents(std::string_view subject, std::size_t limit,
                                                    std::string_view cursor) const = 0;

  /// Number of an id; makes one where it is new (durably, with the next append).
  virtual Result<ItemNumber> InternItem(std::string_view id) = 0;
  [[nodiscard]] virtual std::optional<ItemNumber> FindItem(std::string_view id) const = 0;
  /// Id of a number; empty for a number never given.
  [[nodiscard]] virtual std::string ItemId(ItemNumber number) const = 0;
  [[nodiscard]] virtual std::size_t ItemNumbers() const = 0;  ///< numbers are 0 .. this - 1

  virtual Result<Item> GetItem(std::string_view id) const = 0;
  /// Current rows in id order after `cursor` (an id), at most `limit`.
  virtual Result<std::vector<Item>> ListItems(std::string_view cursor, std::size_t limit) const = 0;
  virtual Result<User> GetUser(std::string_view id) const = 0;

  /// Called after each successful append (events, items, users, deletions, erasures), outside
  /// any lock, in sequence order, before the append returns. It must not append or block.
  using Listener = std::function<void(const LogRecord&)>;
  virtual void SetListener(Listener listener) = 0;

  /// Rebuilds user state from cleaned history (a snapshot), for users in `states`; used after a
  /// file import. Does not touch the log. `attributes` are ignored: users' rows hold them.
  /// Events of the log after `watermark` (the last sequence that the snapshot contains) are applied
  /// on top; without it the states already contain the whole log.
  virtual Status LoadUserStates(std::span<const std::pair<std::string, UserState>> states,
                                std::uint64_t watermark) = 0;
  Status LoadUserStates(std::span<const std::pair<std::string, UserState>> states) {
    return LoadUserStates(states, LastSequence());
  }

  /// Drops records up to and including `sequence`: they are in the lake.
  virtual Status DropThrough(std::uint64_t sequence) = 0;
};

}  // namespace vitrine::data
