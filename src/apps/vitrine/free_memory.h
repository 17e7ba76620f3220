/// How much memory this process could still take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::apps {

/// Bytes: what the machine can give without swapping, and what the control group of a container leaves,
/// whichever is less. None where the system says neither. `root`: "/", or a folder of a test.
std::optional<std::uint64_t> FreeMemoryBytes(const std::string& root = "/");

/// What the process that checked this model took for it alone is what loading it takes here. `probe`: that
/// process's report, as JSON. Where it or `free` says nothing, the model is given the benefit of the doubt.
/// Errors: kResourceExhausted (both figures, and what to do).
Status CheckFits(std::string_view version, std::string_view probe,
                 std::optional<std::uint64_t> free);

}  // namespace vitrine::apps
