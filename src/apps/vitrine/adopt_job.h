/// The `adopt` job: serving takes over what a file import brought: the snapshot's user states, and
/// its catalogue through the same road as POST /v1/items.
#pragma once

#include <string>

#include "apps/vitrine/job_service.h"
#include "data/event_log.h"
#include "loop/steps.h"

namespace vitrine::apps {

/// `log` outlives it.
JobBody AdoptJob(std::string data, loop::Programs programs, data::EventLog& log);

}  // namespace vitrine::apps
