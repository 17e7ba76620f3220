/// How fast an objective's error budget, the share of answers that may be bad, is spent: minute by minute over three
/// days. Burn rate 1 spends all of it and no more.
/// Alerts look at a long and a short window at once: the long one says that it matters, the short one that it goes on,
/// so that an alert ends soon after its cause. Source: Beyer et al., The Site Reliability Workbook (2018), chapter 5,
/// "Multiwindow, Multi-Burn-Rate Alerts".
/// Threads: one caller at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/time.h"
#include "monitor/objectives/service_objective.h"

namespace vitrine::monitor {

class ErrorBudget {
 public:
  static constexpr std::chrono::minutes kLongest = std::chrono::days(3);

  /// `total`: since the server began. The first one, and one that is less than the one before (a server that
  /// began anew), is only where the next difference begins. A clock that runs back counts into the newest minute.
  void Count(Micros now, GoodOfAll total);

  /// Of the minutes that began within `window` before now. Precondition: at most kLongest.
  [[nodiscard]] GoodOfAll Within(Micros now, std::chrono::minutes window) const;

  /// [[minute, good, all], ...] of minutes with any.
  [[nodiscard]] nlohmann::json Save() const;
  /// Replaces the minutes; throws nlohmann::json::exception where it is none.
  void Load(const nlohmann::json& saved);

 private:
  struct Minute {
    std::int64_t minute = -1;  ///< since 1970
    std::uint64_t good = 0;
    std::uint64_t all = 0;
  };
  Minute& Of(std::int64_t minute);

  std::vector<Minute> ring_ =
      std::vector<Minute>(kLongest.count());  // a minute's place follows from its number
  std::int64_t newest_ = 0;
  std::optional<GoodOfAll> last_;
};

/// Share of bad ones over the share that may be; 0 where there was nothing.
double BurnRate(const GoodOfAll& counts, double target);

}  // namespace vitrine::monitor
