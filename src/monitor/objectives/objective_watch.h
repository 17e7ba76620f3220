/// Holds the service against its objectives: a look every few seconds makes signals for alert rules, and what
/// GET /v1/monitors/objectives answers.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/signal.h"
#include "monitor/objectives/error_budget.h"
#include "monitor/objectives/service_objective.h"

namespace vitrine::monitor {

struct ObjectiveWindow {
  std::chrono::minutes window{};
  GoodOfAll counts;
  double burn_rate = 0;
};

struct ObjectiveReport {
  ServiceObjective objective;
  std::vector<ObjectiveWindow> windows;  ///< 5 and 30 minutes, 1 and 6 hours, 3 days
  double spent = 0;                      ///< of the budget of three days
};

/// What is served while nobody has named an objective: 99.9 % of requests do not fail, 99 % of answers take 100 ms.
std::vector<ServiceObjective> DefaultObjectives();

/// Threads: every method from any thread.
class ObjectiveWatch {
 public:
  /// Precondition: Validate() is content with each, and names are distinct.
  explicit ObjectiveWatch(std::vector<ServiceObjective> objectives);

  /// `answers`: what the monitor counted; `requests`: those that shoppers wait for, since this server began.
  /// Signals: objective.fast_burn, the smaller burn rate of an hour and of its last five minutes; objective.slow_burn, of
  /// six hours and of half an hour; objective.spent. Their rows are the bad ones of the longer window: two bad answers of
  /// the first hundred say nothing of a promise, whatever their rate.
  std::vector<Signal> Look(Micros now, const ServiceReport& answers, const GoodOfAll& requests);
  [[nodiscard]] std::vector<ObjectiveReport> Report(Micros now) const;

  [[nodiscard]] std::string Save() const;
  /// Budgets of objectives that are watched still, by name; one whose promise was changed begins anew.
  /// Errors: kInvalidArgument (broken); nothing has changed then.
  Status Load(std::string_view saved);

 private:
  struct Watched {
    ServiceObjective objective;
    ErrorBudget budget;
  };

  mutable std::mutex mutex_;
  std::vector<Watched> watched_;
};

std::string ToJson(const std::vector<ObjectiveReport>& reports);

}  // namespace vitrine::monitor
