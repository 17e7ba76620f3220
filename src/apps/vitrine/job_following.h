/// Starts a job on a server and follows it to its end.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "apps/vitrine/api_session.h"
#include "core/status.h"

namespace vitrine::apps {

/// Prints the job's progress on stderr (one line that is rewritten on a terminal; JSON lines with
/// --json). A stop request cancels the job. Returns its result, JSON.
/// Errors: the job's own failure, kCancelled.
Result<std::string> RunJob(ApiSession& session, std::string_view kind, std::string_view spec,
                           bool json, const std::stop_token& stop);

/// The same for a job that is there already.
Result<std::string> FollowJob(ApiSession& session, const std::string& id, bool json,
                              const std::stop_token& stop);

}  // namespace vitrine::apps
