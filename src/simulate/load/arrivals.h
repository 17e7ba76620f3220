/// When requests are due: the schedule of an open loop, drawn before it starts.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace vitrine::simulate {

/// Moments and lengths of a load run, in nanoseconds of a clock that only goes forward.
using Nanos = std::int64_t;
inline constexpr Nanos kNanosPerSecond = 1'000'000'000;

enum class Spacing : std::uint8_t {
  kPoisson,   ///< independent callers: gaps are exponential
  kConstant,  ///< every 1 / rate seconds
};

/// Arrivals within [0, length), rising. Equal on every machine for one seed.
/// Precondition: rate > 0.
std::vector<Nanos> DrawArrivals(double per_second, Nanos length, Spacing spacing,
                                std::uint64_t seed);

}  // namespace vitrine::simulate
