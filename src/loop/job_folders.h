/// What jobs leave on disk, and when it goes.
#pragma once

#include <cstddef>
#include <string>

#include "core/status.h"
#include "loop/job.h"

namespace vitrine::loop {

/// Of each ended job's folder in `folder`, what lies in folders of its own goes: artifacts, which the artifact store has where
/// they became versions, and states of trainings that nothing resumes. Its files (results of steps, held-out cases) stay for
/// the newest `kept` jobs that ended and have a folder; older folders go whole. Folders of queued and running jobs, and whatever
/// is no job's, are left alone. A folder that cannot be removed is left for the next time.
/// Threads: the one that runs jobs.
/// Errors: those of the store; kUnavailable (`folder` cannot be read).
Status TidyJobFolders(const std::string& folder, const JobStore& store, std::size_t kept);

}  // namespace vitrine::loop
