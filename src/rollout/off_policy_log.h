/// Reads another engine's log of choices: JSON lines, one shown place a line.
///   {"request_id": "r1", "user_id": "u1", "item_id": "i7", "position": 0, "propensity": 0.2,
///    "reward": 1, "candidate_probability": 0.5}
/// With a model of the reward also "shown_estimate" and "candidate_estimate" (off_policy.h: q and
/// v). request_id, item_id and position are checked and otherwise not used: they name the row to
/// people, and a log without them cannot be audited.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <istream>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "rollout/off_policy.h"

namespace vitrine::rollout {

/// Errors: kInvalidArgument: "line 3: propensity ..."; `line` counts from 1.
Result<LoggedChoice> ParseChoice(std::string_view text, std::size_t line);

/// All lines; empty ones are skipped. Errors: kInvalidArgument, of the first line that is not
/// right, or where a (request, position) comes twice.
Result<std::vector<LoggedChoice>> ReadChoices(std::istream& in);

}  // namespace vitrine::rollout
