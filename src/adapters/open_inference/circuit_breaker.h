/// Stops calls to a server that fails, and lets one through from time to time to see whether it works again.
///   closed     every call goes; failures in a row, or a share of a window, open it
///   open       none goes, for a pause that doubles with each probe that fails
///   half-open  one call goes at a time, the probe: it closes or opens again
/// Source: M. Nygard, Release It!, "Circuit Breaker".
/// Threads: any.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

namespace vitrine::adapters {

struct BreakerOptions {
  std::size_t failures_in_a_row = 5;
  double failure_share = 0.5;    ///< of the calls of the window, that many or more open it
  std::size_t least_calls = 20;  ///< in the window, before a share counts
  std::chrono::milliseconds first_pause{1'000};
  std::chrono::milliseconds longest_pause{30'000};
};

enum class BreakerState : std::uint8_t { kClosed, kHalfOpen, kOpen };

class CircuitBreaker {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A call that may go. Tell what came of it, once.
  struct Permit {
    std::uint64_t era = 0;
    bool probe = false;
  };
  enum class Outcome : std::uint8_t {
    kGood,
    kBad,
    kUnknown,  ///< it says nothing of the server: given up before it could answer
  };

  explicit CircuitBreaker(BreakerOptions options = {}) : options_(options) {}

  /// None: the call must not be made.
  std::optional<Permit> Ask(TimePoint now);
  /// An outcome from before the last change of state counts no more.
  void Tell(Permit permit, Outcome outcome, TimePoint now);
  /// What Ask would find now.
  [[nodiscard]] BreakerState State(TimePoint now) const;

 private:
  static constexpr std::size_t kSlots = 10;  // the window: as many seconds
  struct Slot {
    std::int64_t second = -1;
    std::size_t calls = 0;
    std::size_t failures = 0;
  };
  void Count(bool failed, TimePoint now);
  [[nodiscard]] bool TooMany(TimePoint now) const;
  void Open(TimePoint now);
  void Enter(BreakerState state);

  const BreakerOptions options_;
  mutable std::mutex mutex_;
  BreakerState state_ = BreakerState::kClosed;
  std::uint64_t era_ = 0;
  bool probing_ = false;
  std::size_t in_a_row_ = 0;
  std::array<Slot, kSlots> window_;
  std::chrono::milliseconds pause_{0};
  TimePoint open_until_;
};

}  // namespace vitrine::adapters
