/// The demo: the whole loop on a simulated shop, each step with a claim that must hold.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "apps/vitrine/command_line.h"
#include "core/status.h"

namespace vitrine::apps {

struct DemoOptions {
  std::uint64_t seed = 1;
  std::size_t products = 2000;
  std::size_t shoppers = 5000;
  std::size_t events = 120'000;
  std::size_t visits = 3000;  ///< of live traffic, before the shift and after it each
};

/// Runs it in `line.data` (a fresh folder: refused where it holds anything) and prints a table.
/// Errors: the first step that failed, or whose claim did not hold: kFailedPrecondition.
Status RunDemo(const CommandLine& line, const DemoOptions& options, const std::stop_token& stop);

}  // namespace vitrine::apps
