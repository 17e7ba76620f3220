/// Rounds of losing power. A round gets a seed and whether the disk is honest about syncs, and says what is wrong
/// afterwards; empty: nothing.
/// Rounds: VITRINE_CRASH_ROUNDS (default 50). The seed is printed; VITRINE_CRASH_SEED sets it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <iostream>
#include <string>

#include "crash/crash_settings.h"

namespace vitrine::crash {

using PowerLossRound = std::function<std::string(std::uint64_t seed, bool honest)>;

inline void ExpectNothingIsLost(const PowerLossRound& round) {
  const int rounds = Rounds("VITRINE_CRASH_ROUNDS", 50);
  const std::uint64_t seed = Seed();
  std::cout << "seed " << seed << "\n";
  for (int i = 0; i < rounds; ++i) {
    ASSERT_EQ(round(seed + static_cast<std::uint64_t>(i), /*honest=*/true), "")
        << "round " << i << " of seed " << seed;
  }
}

/// The proof that the test above can fail.
inline void ExpectALiarIsCaught(const PowerLossRound& round) {
  int caught = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    caught += round(1000 + i, /*honest=*/false).empty() ? 0 : 1;
  }
  EXPECT_GT(caught, 0) << "a disk that lies about syncs was never found out";
}

}  // namespace vitrine::crash
