/// The service's objectives, by the settings objective.NAME.*, and what they are held against.
#pragma once

#include <memory>
#include <string>

#include "apps/vitrine/settings.h"
#include "core/metrics.h"
#include "core/status.h"
#include "monitor/objectives/objective_watch.h"

namespace vitrine::apps {

/// DefaultObjectives() where the settings name none; `file` holds what was spent of their budgets before.
/// Errors: kInvalidArgument (a setting that cannot be used: named).
Result<std::unique_ptr<monitor::ObjectiveWatch>> OpenObjectives(const Settings& settings,
                                                                const std::string& file);

/// Requests that shoppers wait for (recommendations, similar items, ranking, search, inference by tensors over HTTP),
/// and those that did not end with 5xx, since this server began.
monitor::GoodOfAll ServedRequests(const MetricRegistry& metrics);

}  // namespace vitrine::apps
