/// A month of a simulated shop whose world moves, in minutes: what the loop makes of it by itself. Everything is simulated, and follows
/// from the seed but for what hangs on the machine's speed.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/time.h"

namespace vitrine::bench {

/// Who chooses what is shown.
enum class MonthArm : std::uint8_t {
  kLoop,    ///< the server, with the loop on
  kTwin,    ///< the same server, never trained again after day 0
  kOracle,  ///< the simulation itself, which knows what each shopper likes
};

/// With the server, before day 0.
inline constexpr int kWarmUpDays = 14;

struct MonthOptions {
  std::uint64_t seed = 1;
  MonthArm arm = MonthArm::kLoop;
  std::string folder;  ///< for the server's data; fresh
  std::size_t products = 1500;
  std::size_t shoppers = 4000;
  double visits_per_hour = 150;
  std::size_t history_events = 60'000;  ///< of the ten days before the server is there
  int warm_up_days = kWarmUpDays;
  int days = 30;
};

/// Days, from day 0.
struct MonthPlan {
  static constexpr double kShift = 8;      ///< tastes turn
  static constexpr double kCents = 14;     ///< prices of events come in cents
  static constexpr double kCentsEnd = 15;  ///< whoever sends them has mended it
  static constexpr double kBadModel =
      20;  ///< somebody rolls out a version that knows popular items only
  static constexpr double kBots = 25;  ///< robots push a few products
  static constexpr double kBotsEnd = 25.5;
  static constexpr double kSale = 28;  ///< declared when it begins
  static constexpr double kSaleEnd = 29;
};

/// Runs one world, and says what happened: "days" (visits, shown, clicks, purchases, revenue of each), "hours" (places shown, and clicks
/// that the simulation expected of them, from kWarmUpDays before day 0 on), "alerts" (of the loop: rule,
/// signal, labels, when fired and resolved, what the diagnosis said then), "rollouts", "jobs", "audit", "held" (triggers that were held, hour by hour
/// a kind once), "seconds". Times are days from day 0. Ends the program where the server fails.
nlohmann::json RunMonth(const MonthOptions& options);

}  // namespace vitrine::bench
