/// Data directories in which everything is simulated carry a mark. What is simulated never gets into a real shop's.
/// Threads: any.
#pragma once

#include <string>

#include "core/status.h"

namespace vitrine::apps {

[[nodiscard]] bool IsMarkedAsSimulated(const std::string& folder);

/// Makes the folder where missing. `made_by`: for people who find it. Errors: those of the disk.
Status MarkAsSimulated(const std::string& folder, const std::string& made_by);

/// OK where the process goes by the machine's clock, or the folder is marked, or holds nothing yet: then it is marked.
/// Errors: kFailedPrecondition (a simulated clock in a real shop's folder), those of the disk.
Status CheckClock(const std::string& folder);

}  // namespace vitrine::apps
