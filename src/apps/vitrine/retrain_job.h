/// The `retrain` job of the server: one turn of the loop (loop/retrain.h) whose winner serves.
#pragma once

#include <string>

#include "apps/vitrine/job_service.h"
#include "apps/vitrine/model_service.h"
#include "apps/vitrine/settings.h"
#include "apps/vitrine/turn_rollouts.h"
#include "data/event_log.h"
#include "loop/retrain.h"
#include "registry/registry.h"

namespace vitrine::apps {

/// What the settings say, over which a job's spec (JSON: specs, protocol, promote, reason) may go.
/// Errors: kInvalidArgument (names the field).
Result<loop::RetrainRequest> RetrainRequestOf(const std::string& data, const Settings& settings,
                                              std::string_view spec, std::string_view actor);

/// All outlive it.
JobBody RetrainJob(std::string data, const Settings& settings, loop::Programs programs,
                   data::EventLog& log, registry::Registry& registry, VersionService& versions,
                   TurnRollouts rollouts);

}  // namespace vitrine::apps
