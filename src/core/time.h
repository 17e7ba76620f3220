/// Time of the data: UTC, int64 microseconds since 1970. Durations of the program use std::chrono.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace vitrine {

/// A moment of the shop's data. `ordinal` sources (ts = sequence) store 0, 1, 2, ... here and the
/// snapshot says so; rules, decay and splits by time refuse them.
struct Micros {
  std::int64_t value = 0;
  friend auto operator<=>(const Micros&, const Micros&) = default;
};

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

/// Now, by the system clock; in a simulation (core/simulated_time.h) by the simulated one.
Micros Now();

/// "2026-11-24T09:59:10.000001Z"; the fraction is left out where it is zero.
std::string FormatIso(Micros time);

/// A point of the monotonic clock until which a blocking call may wait.
using Deadline = std::chrono::steady_clock::time_point;
inline Deadline After(std::chrono::milliseconds wait) {
  return std::chrono::steady_clock::now() + wait;
}

}  // namespace vitrine
