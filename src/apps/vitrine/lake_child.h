/// vitrine-lake as a child of a command, on the command's data directory.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "apps/vitrine/command_line.h"
#include "core/status.h"

namespace vitrine::apps {

/// Runs it with --data, --memory-limit and --json as the command line says; shows its progress on
/// stderr. Returns its stdout. Errors: its own, under its exit code.
/// `verdict` (may be null) gets its exit code where that is kExitGateFailed: then its stdout says what
/// is not as it should be, and is returned too.
Result<std::string> RunLake(const CommandLine& line, std::vector<std::string> arguments,
                            const std::stop_token& stop, int* verdict = nullptr);

/// Any of our programs, its stderr passed on. Errors: its own, under its exit code.
Result<std::string> RunProgram(const std::string& program, std::vector<std::string> arguments,
                               const std::stop_token& stop, int* verdict = nullptr);

}  // namespace vitrine::apps
