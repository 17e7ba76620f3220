/// Times as people write them. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "simulate/load/arrivals.h"

namespace vitrine::simulate {

/// "712 us", "12.3 ms", "1.25 s"; "never" for LatencyHistogram::kNever.
std::string TimeText(Nanos time);

/// "500us", "7ms", "1.5s", "2m"; a bare number is seconds.
/// Errors: kInvalidArgument (names the text)
Result<Nanos> ParseTime(std::string_view text);

}  // namespace vitrine::simulate
