/// What one request may know of its user: from the stored state, or from the history it brought.
/// Threads: values.
#pragma once

#include <cstdint>
#include <limits>
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

struct UserView {
  bool known = false;                    ///< there is a state, or a history came with the request
  bool given = false;                    ///< the history came with the request
  std::vector<data::StateEvent> events;  ///< oldest first, none after as_of
  std::vector<std::string> ids;          ///< of events, where given; else empty
  std::vector<data::ItemNumber> bought;  ///< sorted
  std::vector<data::ItemNumber> hidden;  ///< sorted
  User user;
};

/// A subject without a state gives known = false.
/// Errors: kUnavailable and what else EventLog::GetUserState gives beside kNotFound.
Result<UserView> ReadUser(const data::EventLog& log, std::string_view subject, Micros as_of);

/// The same from a history that replaces the state: bought is what it purchased, hidden what it hid.
UserView GivenUser(const data::EventLog& log, std::span<const SeenEvent> history, Micros as_of);

/// The events that count for `model`, in its vocabulary. `from` gets each one's position in
/// view.events. Both are cleared first.
void MapHistory(const UserView& view, const ServedModel& model, History& history,
                std::vector<std::uint32_t>& from);

}  // namespace vitrine::serve
