/// The event log keeps what the lake has not taken in yet, and some time of what it has.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "core/time.h"
#include "data/event_log.h"

namespace vitrine::data {

/// Drops the records up to `taken` (a sequence that the lake holds) which were received before
/// `before`. Where the clock went back, a record may go with its older neighbours.
/// Returns the last sequence that was dropped; 0: none.
/// Threads: any; others may append and read meanwhile. Errors: the log's.
Result<std::uint64_t> DropTaken(EventLog& log, std::uint64_t taken, Micros before);

}  // namespace vitrine::data
