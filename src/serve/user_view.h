/// What one request may know of its user: from the stored state, or from the history it brought.
/// Threads: values.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/history.h"
#include "core/impression.h"
#include "core/status.h"
#include "data/event_log.h"
#include "serve/served_model.h"

namespace vitrine::serve {

/// Of an id that the log has never seen.
inline constexpr data::ItemNumber kNoNumber = std::numeric_limits<data::ItemNumber>::max();

/// Reused between requests: its own vectors keep their memory. Moves, but does not copy: the spans point
/// into the state that is shared with the log, or into the vectors here.
struct UserView {
  UserView() = default;
  UserView(UserView&&) = default;
  UserView& operator=(UserView&&) = default;
  UserView(const UserView&) = delete;
  UserView& operator=(const UserView&) = delete;

  bool known = false;  ///< there is a state, or a history came with the request
  bool given = false;  ///< the history came with the request
  std::span<const data::StateEvent> events;  ///< oldest first, none after as_of
  std::vector<std::string_view> ids;         ///< of events, where given, as the request spells them
  std::span<const data::ItemNumber> bought;  ///< sorted
  std::span<const data::ItemNumber> hidden;  ///< sorted
  User user;

  std::shared_ptr<const data::UserState> state;  ///< what the spans point into, unless it is below
  std::vector<data::StateEvent> own_events;
  std::vector<data::ItemNumber> own_bought;
  std::vector<data::ItemNumber> own_hidden;
};

/// Nothing is known of anybody.
void Clear(UserView& view);

/// A subject without a state gives known = false.
/// Errors: kUnavailable and what else EventLog::ViewUserState gives.
Status ReadUser(const data::EventLog& log, std::string_view subject, Micros as_of, UserView& view);

/// The same from a history that replaces the state: bought is what it purchased, hidden what it hid.
void ReadGivenUser(const data::EventLog& log, std::span<const SeenEvent> history, Micros as_of,
                   UserView& view);

/// Adds to a given history what is stored of the subject and no history says: what they bought and hid before `as_of`,
/// as far as that is known, and their attributes. Errors: those of ReadUser.
Status AddStoredUser(const data::EventLog& log, std::string_view subject, Micros as_of,
                     UserView& view);

/// The events that count for `model`, in its vocabulary. `from` gets each one's position in
/// view.events. Both are cleared first.
void MapHistory(const UserView& view, const ServedModel& model, History& history,
                std::vector<std::uint32_t>& from);

}  // namespace vitrine::serve
