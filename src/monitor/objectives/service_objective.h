/// What a shop promises itself of its service: so large a share of answers is good.
/// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "monitor/reports.h"

namespace vitrine::monitor {

struct ServiceObjective {
  std::string name;
  double target = 0.99;  ///< share of answers that are good
  /// An answer is good that was given within so long; none: a request is good that did not fail on the server's side.
  std::optional<double> seconds;
  std::string scene;  ///< of answers: only those of this scene; empty: all
  friend bool operator==(const ServiceObjective&, const ServiceObjective&) = default;
};

/// Errors: kInvalidArgument (says what of it, and what would do).
Status Validate(const ServiceObjective& objective);

/// Answers or requests since a server began; they only grow.
struct GoodOfAll {
  std::uint64_t good = 0;
  std::uint64_t all = 0;
};

/// Answers within the objective's time. Where that lies inside a bin of the latencies, the bin is taken as even.
/// Precondition: it has `seconds`.
GoodOfAll AnswersInTime(const ServiceReport& report, const ServiceObjective& objective);

}  // namespace vitrine::monitor
