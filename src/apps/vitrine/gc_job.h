/// The `gc` job: the files of model versions, and the snapshots, that nothing needs any more.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apps/vitrine/job_service.h"
#include "apps/vitrine/settings.h"
#include "loop/job_schedule.h"
#include "loop/steps.h"
#include "registry/registry.h"
#include "rollout/store.h"
#include "serve/model_set.h"
#include "transport/http/services.h"

namespace vitrine::apps {

/// All outlive the job.
struct GcParts {
  registry::Registry* registry = nullptr;
  const serve::ModelSet* models = nullptr;
  const rollout::RolloutStore* rollouts = nullptr;
  std::function<Status(std::string_view actor, std::string_view action, std::string_view subject,
                       std::string_view evidence)>
      audit;
};

/// Its spec: {"versions": 10, "snapshots": 10, "days": 30, "dry_run": false}, each where the settings gc.* do not do.
/// Its result: {"dry_run", "versions": [...], "artifacts", "snapshots": [...], "bytes", "text"}.
JobBody GcJob(std::string data, const Settings& settings, loop::Programs programs, GcParts parts);

/// Null where gc.schedule is empty. `jobs` outlives it. Errors: kInvalidArgument (a setting gc.*: named).
Result<std::unique_ptr<loop::JobSchedule>> OpenGcSchedule(const Settings& settings,
                                                          http::JobService& jobs);

}  // namespace vitrine::apps
