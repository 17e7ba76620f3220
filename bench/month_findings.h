/// What a month says of the loop, read from the worlds of one seed (bench/month.h).
/// Threads: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::bench {

/// One thing that happened to the shop, and what was made of it.
struct MonthFinding {
  std::string event;
  std::optional<double> seen_hours;  ///< until the first alert on it; none: never
  std::string cause;                 ///< that the alert names: its rule, and the series of it
  bool right_cause = false;
  std::string act;  ///< what was done, or held
  bool right_act = false;
};

struct MonthFindings {
  std::vector<MonthFinding> events;
  double false_alarms = 0;  ///< all alerts a week in which nothing happens
  std::vector<std::string> false_alarm_names;
  /// Those of them that are right all the same: that fewer is clicked, and the simulation's own expectation of clicks fell by
  /// half of the rule's bound or more. The model had aged.
  std::vector<std::string> aged_names;
  std::size_t turns = 0;  ///< jobs that trained
  std::size_t promotions = 0;
  double ctr_before = 0;  ///< before the shift: CTR of the loop
  double ctr = 0;         ///< after it
  double twin_ctr = 0;
  double oracle_ctr = 0;
  double revenue = 0;  ///< a visit, after the shift
  double twin_revenue = 0;
  double oracle_revenue = 0;
  double hands =
      0;  ///< acts of people after day 0, but for the one that rolled the bad model out and the sale's declaration
};

MonthFindings FindingsOf(const nlohmann::json& loop, const nlohmann::json& twin,
                         const nlohmann::json& oracle);

}  // namespace vitrine::bench
