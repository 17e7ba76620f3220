#include "adapters/open_inference/circuit_breaker.h"

#include <algorithm>

namespace vitrine::adapters {
namespace {

std::int64_t SecondOf(CircuitBreaker::TimePoint now) {
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
}

}  // namespace

std::optional<CircuitBreaker::Permit> CircuitBreaker::Ask(TimePoint now) {
  const std::scoped_lock lock(mutex_);
  if (state_ == BreakerState::kOpen) {
    if (now < open_until_) {
      return std::nullopt;
    }
    Enter(BreakerState::kHalfOpen);
  }
  if (state_ == BreakerState::kHalfOpen) {
    if (probing_) {
      return std::nullopt;
    }
    probing_ = true;
  }
  return Permit{.era = era_, .probe = state_ == BreakerState::kHalfOpen};
}

void CircuitBreaker::Tell(Permit permit, Outcome outcome, TimePoint now) {
  const std::scoped_lock lock(mutex_);
  if (permit.era != era_) {
    return;
  }
  if (permit.probe) {
    probing_ = false;
    if (outcome == Outcome::kGood) {
      pause_ = std::chrono::milliseconds(0);
      Enter(BreakerState::kClosed);
    } else if (outcome == Outcome::kBad) {
      Open(now);
    }
    return;
  }
  if (outcome == Outcome::kUnknown) {
    return;
  }
  Count(outcome == Outcome::kBad, now);
  if (in_a_row_ >= options_.failures_in_a_row || TooMany(now)) {
    Open(now);
  }
}

BreakerState CircuitBreaker::State(TimePoint now) const {
  const std::scoped_lock lock(mutex_);
  return state_ == BreakerState::kOpen && now >= open_until_ ? BreakerState::kHalfOpen : state_;
}

void CircuitBreaker::Count(bool failed, TimePoint now) {
  in_a_row_ = failed ? in_a_row_ + 1 : 0;
  const std::int64_t second = SecondOf(now);
  Slot& slot = window_[static_cast<std::size_t>(second) % kSlots];
  if (slot.second != second) {
    slot = {.second = second};
  }
  ++slot.calls;
  slot.failures += failed ? 1U : 0U;
}

bool CircuitBreaker::TooMany(TimePoint now) const {
  const std::int64_t oldest = SecondOf(now) - static_cast<std::int64_t>(kSlots) + 1;
  std::size_t calls = 0;
  std::size_t failures = 0;
  for (const Slot& slot : window_) {
    if (slot.second >= oldest) {
      calls += slot.calls;
      failures += slot.failures;
    }
  }
  return calls >= options_.least_calls &&
         static_cast<double>(failures) >= options_.failure_share * static_cast<double>(calls);
}

void CircuitBreaker::Open(TimePoint now) {
  pause_ =
      pause_.count() == 0 ? options_.first_pause : std::min(2 * pause_, options_.longest_pause);
  open_until_ = now + pause_;
  Enter(BreakerState::kOpen);
}

void CircuitBreaker::Enter(BreakerState state) {
  state_ = state;
  ++era_;
  probing_ = false;
  in_a_row_ = 0;
  window_.fill({});
}

}  // namespace vitrine::adapters
