/// vitrine: the server and its command line.

#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "adapters/files/simulated_clock.h"
#include "apps/vitrine/command_line.h"
#include "core/exit_code.h"

namespace vitrine::apps {
namespace {

int Run(int argc, char** argv) {
  CLI::App app("Search and recommendation for a shop, the whole loop.", "vitrine");
  app.set_version_flag("--version", "vitrine " VITRINE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  CommandLine line;
  if (const char* data = std::getenv("VITRINE_DATA"); data != nullptr) {
    line.data = data;
  }
  app.add_option("--data", line.data, "Data directory (environment: VITRINE_DATA)")
      ->capture_default_str();
  app.add_option("--config", line.config, "Settings file; default: vitrine.toml in --data");
  app.add_option("--set", line.overrides, "One setting, NAME=VALUE; may stand several times");
  app.add_option("--server", line.server, "Talk to this server (http://host:port, unix:/path)");
  app.add_option("--key-file", line.key_file, "File with the API key for --server");
  app.add_flag("--json", line.json, "Data as JSON on stdout");
  AddServerCommands(app, line);
  AddLoopCommands(app, line);
  AddDataCommands(app, line);
  AddTrainCommands(app, line);
  AddEvaluationCommands(app, line);
  AddModelCommands(app, line);
  AddRolloutCommands(app, line);
  AddShopCommands(app, line);
  AddExplainCommands(app, line);
  AddMonitorCommands(app, line);
  AddAlertCommands(app, line);
  AddDiagnoseCommands(app, line);
  AddKeyCommands(app, line);
  AddConfigCommands(app, line);
  AddSimulatorCommands(app, line);
  AddBenchCommands(app, line);
  if (const Status clock = files::FollowSimulatedClock(std::getenv("VITRINE_SIMULATED_CLOCK"));
      !clock.ok()) {
    Say(fmt::format("vitrine: {}", clock.message()));
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitOk : kExitUsage;
  }
  Status status;
  try {
    status = line.run ? line.run() : InvalidArgument("no command; see: vitrine --help");
  } catch (const std::bad_alloc&) {
    status = ResourceExhausted(
        "it needs more memory than it may take; the limit for checking a model is "
        "probe.memory_limit_mb");
  } catch (const std::exception& e) {
    status = Internal(fmt::format("unexpected: {}", e.what()));
  }
  if (status.ok()) {
    return line.outcome;
  }
  Say(fmt::format("vitrine: {}", status.message()));
  return ExitCodeOf(status.code());
}

}  // namespace
}  // namespace vitrine::apps

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write, not a death
  return vitrine::apps::Run(argc, argv);
}
