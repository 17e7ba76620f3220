/// User states of a snapshot, from the file that `vitrine-lake states` writes into the log's state.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.h"
#include "data/event_log.h"

namespace vitrine::apps {

/// A line: {"subject":"u","events":[[item_id,ts,type,basket],..],"bought":[ids],"hidden":[ids]}.
/// Events of the log after `watermark` are applied on top.
/// Errors: kNotFound, kInvalidArgument (names the line), those of the log.
Status ReadUserStates(const std::string& path, data::EventLog& log, std::uint64_t watermark);

}  // namespace vitrine::apps
