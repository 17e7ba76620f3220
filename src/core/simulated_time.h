/// Time of a simulation, which goes on in steps: weeks of a shop in minutes. Who moves it: adapters/files/simulated_clock.h.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace vitrine {

/// Lies in memory that several processes share.
struct SimulatedTime {
  static constexpr std::size_t kThreads = 64;
  static constexpr std::int64_t kLooking = 1;  ///< of a thread that does not rest

  std::atomic<std::int64_t> now;  ///< Micros
  /// Of each thread that looks at something from time to time: Micros until when it rests; 0: nobody's place.
  std::atomic<std::int64_t> rests[kThreads];
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

/// Now() and Pace of this process go by `time` from here on. It outlives the process. Once, before other threads are there.
void FollowSimulatedTime(SimulatedTime* time);
/// Null: the machine's clock counts.
SimulatedTime* FollowedTime();

}  // namespace vitrine
