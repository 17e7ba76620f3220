#include "adapters/open_inference/circuit_breaker.h"

#include <gtest/gtest.h>

namespace vitrine::adapters {
namespace {

using namespace std::chrono_literals;
using Outcome = CircuitBreaker::Outcome;

class Breaker : public testing::Test {
 protected:
  bool Call(Outcome outcome) {
    const auto permit = breaker.Ask(now);
    if (permit) {
      breaker.Tell(*permit, outcome, now);
    }
    return permit.has_value();
  }
  /// A call that is under way.
  CircuitBreaker::Permit Begin() {
    const auto permit = breaker.Ask(now);
    EXPECT_TRUE(permit.has_value());
    return permit.value_or(CircuitBreaker::Permit{});
  }
  [[nodiscard]] BreakerState State() const { return breaker.State(now); }
  void OpenIt() {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(Call(Outcome::kBad));
    }
    EXPECT_EQ(State(), BreakerState::kOpen);
  }
  CircuitBreaker breaker{{.failures_in_a_row = 3,
                          .failure_share = 0.5,
                          .least_calls = 10,
                          .first_pause = 100ms,
                          .longest_pause = 300ms}};
  CircuitBreaker::TimePoint now{1h};
};

TEST_F(Breaker, FailuresInARowOpenIt) {
  EXPECT_TRUE(Call(Outcome::kBad));
  EXPECT_TRUE(Call(Outcome::kBad));
  EXPECT_TRUE(Call(Outcome::kGood));
  EXPECT_TRUE(Call(Outcome::kBad));
  EXPECT_TRUE(Call(Outcome::kBad));
  EXPECT_EQ(State(), BreakerState::kClosed);
  EXPECT_TRUE(Call(Outcome::kBad));
  EXPECT_EQ(State(), BreakerState::kOpen);
  EXPECT_FALSE(Call(Outcome::kGood));
}

TEST_F(Breaker, AShareOfTheWindowOpensIt) {
  for (int i = 0; i < 9; ++i) {
    EXPECT_TRUE(Call(i % 2 == 0 ? Outcome::kGood : Outcome::kBad));
  }
  EXPECT_EQ(State(), BreakerState::kClosed);  // 9 calls are too few to say
  EXPECT_TRUE(Call(Outcome::kBad));           // 5 of 10
  EXPECT_EQ(State(), BreakerState::kOpen);
}

TEST_F(Breaker, FailuresOfLongAgoCountNoMore) {
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(Call(i % 2 == 0 ? Outcome::kBad : Outcome::kGood));
  }
  now += 10s;
  for (int i = 0; i < 9; ++i) {
    EXPECT_TRUE(Call(i < 2 ? Outcome::kBad : Outcome::kGood));
  }
  EXPECT_TRUE(Call(Outcome::kBad));
  EXPECT_EQ(State(), BreakerState::kClosed);
}

TEST_F(Breaker, OneProbeAtATimeAndItsOutcomeDecides) {
  OpenIt();
  now += 99ms;
  EXPECT_FALSE(breaker.Ask(now).has_value());
  now += 1ms;
  EXPECT_EQ(State(), BreakerState::kHalfOpen);
  const CircuitBreaker::Permit probe = Begin();
  EXPECT_TRUE(probe.probe);
  EXPECT_FALSE(breaker.Ask(now).has_value());
  breaker.Tell(probe, Outcome::kGood, now);
  EXPECT_EQ(State(), BreakerState::kClosed);
  // It begins anew: one failure does not open it.
  EXPECT_TRUE(Call(Outcome::kBad));
  EXPECT_EQ(State(), BreakerState::kClosed);
}

TEST_F(Breaker, APauseDoublesUntilAProbeSucceeds) {
  OpenIt();
  for (const auto pause : {100ms, 200ms, 300ms, 300ms}) {
    now += pause - 1ms;
    EXPECT_FALSE(Call(Outcome::kBad));
    now += 1ms;
    EXPECT_TRUE(Call(Outcome::kBad));
  }
  now += 300ms;
  EXPECT_TRUE(Call(Outcome::kGood));
  OpenIt();
  now += 100ms;
  EXPECT_TRUE(Call(Outcome::kGood));
}

TEST_F(Breaker, AProbeThatSaysNothingFreesItsPlace) {
  OpenIt();
  now += 100ms;
  EXPECT_TRUE(Call(Outcome::kUnknown));
  EXPECT_EQ(State(), BreakerState::kHalfOpen);
  EXPECT_TRUE(Call(Outcome::kGood));
  EXPECT_EQ(State(), BreakerState::kClosed);
}

TEST_F(Breaker, AnOutcomeFromBeforeAChangeOfStateIsLate) {
  const CircuitBreaker::Permit slow = Begin();
  const CircuitBreaker::Permit other = Begin();
  OpenIt();
  breaker.Tell(slow, Outcome::kGood, now);
  EXPECT_EQ(State(), BreakerState::kOpen);
  now += 100ms;
  const CircuitBreaker::Permit probe = Begin();
  breaker.Tell(other, Outcome::kBad, now);
  EXPECT_EQ(State(), BreakerState::kHalfOpen);
  breaker.Tell(probe, Outcome::kGood, now);
  EXPECT_EQ(State(), BreakerState::kClosed);
}

}  // namespace
}  // namespace vitrine::adapters
