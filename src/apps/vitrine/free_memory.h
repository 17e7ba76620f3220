/// How much memory this process could still take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vitrine::apps {

/// Bytes: what the machine can give without swapping, and what the control group of a container leaves,
/// whichever is less. None where the system says neither. `root`: "/", or a folder of a test.
std::optional<std::uint64_t> FreeMemoryBytes(const std::string& root = "/");

}  // namespace vitrine::apps
