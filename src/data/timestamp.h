/// Times as shops send them -> Micros. The format is found from the value and reported back, so
/// that a wrong guess can be seen. Patterns and zones belong to the mapping of a file import.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::data {

/// Numbers are told apart by size: below 1e11 seconds, below 1e14 milliseconds, below 1e17
/// microseconds (each reaches the year 5138).
enum class TimeFormat : std::uint8_t { kSeconds, kMilliseconds, kMicroseconds, kIso8601 };

/// "unix_s", "unix_ms", "unix_us", "iso8601": what answers and reports call the format taken.
std::string_view TimeFormatName(TimeFormat format);

/// Times outside [kEarliestTime, kLatestTime) are impossible for a shop's data: 1990 to 2200.
/// A clock that was never set gives 1970, 1980 or 0; those are refused, not kept.
inline constexpr Micros kEarliestTime{631'152'000 * kMicrosPerSecond};
inline constexpr Micros kLatestTime{7'258'118'400 * kMicrosPerSecond};

struct ParsedTime {
  Micros time;
  TimeFormat format = TimeFormat::kSeconds;
  bool zone_assumed = false;  ///< ISO 8601 without a zone: taken as UTC
};

/// Reads a number (with an optional fraction) or an ISO 8601 date or date and time:
/// "1700000000", "1700000000.25", "2023-11-14", "2023-11-14T22:13:20.5+08:00", "20231114T221320Z".
/// Fractions finer than a microsecond are cut. A leap second counts as the second after it.
/// Errors:  kInvalidArgument with a sentence: not a time, no such day or hour, a bare date written
///          as a number (20231114: ambiguous), nanoseconds, outside the possible range.
/// Threads: any.   Source: ISO 8601-1:2019, calendar dates and times of day
Result<ParsedTime> ParseTime(std::string_view text);

/// The same for numbers that were numbers already (JSON, Parquet).
/// Errors: kInvalidArgument (not finite, nanoseconds, outside the possible range).
Result<ParsedTime> ParseTime(std::int64_t number);
Result<ParsedTime> ParseTime(double number);

}  // namespace vitrine::data
