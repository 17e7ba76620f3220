#include "apps/vitrine/lake_child.h"

#include <fmt/format.h>

#include <utility>

#include "core/exit_code.h"
#include "loop/child_process.h"
#include "loop/steps.h"

namespace vitrine::apps {

Result<std::string> RunProgram(const std::string& program, std::vector<std::string> arguments,
                               const std::stop_token& stop, int* verdict) {
  const loop::ChildCommand command{.program = program, .arguments = std::move(arguments)};
  // Whatever it says last is its message where it fails; it is shown once, by main.
  std::string held;
  ASSIGN_OR_RETURN(loop::ChildOutcome outcome, loop::RunChild(
                                                   command,
                                                   [&held](std::string_view said) {
                                                     if (!held.empty()) {
                                                       Say(held);
                                                     }
                                                     held = said;
                                                   },
                                                   stop));
  if (verdict != nullptr && outcome.exit_code == kExitGateFailed && !outcome.output.empty()) {
    *verdict = kExitGateFailed;
  } else {
    RETURN_IF_ERROR(loop::StatusOf(outcome, program));
  }
  if (!held.empty()) {
    Say(held);
  }
  return std::move(outcome.output);
}

Result<std::string> RunLake(const CommandLine& line, std::vector<std::string> arguments,
                            const std::stop_token& stop, int* verdict) {
  ASSIGN_OR_RETURN(const Settings settings, line.LoadSettings());
  arguments.insert(arguments.end(),
                   {"--data", line.data, "--memory-limit", settings.Text("lake.memory_limit_mb")});
  if (line.json) {
    arguments.emplace_back("--json");
  }
  return RunProgram(loop::ProgramsBeside("").lake, std::move(arguments), stop, verdict);
}

}  // namespace vitrine::apps
