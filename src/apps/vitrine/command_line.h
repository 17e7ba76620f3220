/// What every command of `vitrine` shares: the global flags, and how it prints.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "apps/vitrine/settings.h"
#include "core/status.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11 calls itself so
class App;
}

namespace vitrine::apps {

/// Filled by the parser before a command runs.
struct CommandLine {
  std::string data = "vitrine-data";   ///< the data directory
  std::string config;                  ///< settings file; empty: vitrine.toml in the data directory
  std::vector<std::string> overrides;  ///< --set NAME=VALUE
  std::string server;                  ///< URL of a server; empty: the data directory's own
  std::string key_file;                ///< file with the API key for --server
  bool json = false;                   ///< data as JSON on stdout

  /// The chosen command; main runs it after parsing. Its exit code is ExitCodeOf(status), or, where
  /// that is OK, what the command left in `outcome` (a gate that held).
  std::function<Status()> run;
  mutable int outcome = 0;

  /// Errors: those of Settings::Load.
  [[nodiscard]] Result<Settings> LoadSettings() const;
};

/// Each adds its nouns and verbs to the program.
void AddAlertCommands(CLI::App& app, CommandLine& line);
void AddBenchCommands(CLI::App& app, CommandLine& line);
void AddConfigCommands(CLI::App& app, CommandLine& line);
void AddDataCommands(CLI::App& app, CommandLine& line);
void AddDiagnoseCommands(CLI::App& app, CommandLine& line);
void AddEvaluationCommands(CLI::App& app, CommandLine& line);
/// Below `vitrine model`.
void AddImportCommands(CLI::App& model, CommandLine& line);
void AddKeyCommands(CLI::App& app, CommandLine& line);
void AddLoopCommands(CLI::App& app, CommandLine& line);
void AddModelCommands(CLI::App& app, CommandLine& line);
void AddMonitorCommands(CLI::App& app, CommandLine& line);
void AddRolloutCommands(CLI::App& app, CommandLine& line);
void AddServerCommands(CLI::App& app, CommandLine& line);
void AddShopCommands(CLI::App& app, CommandLine& line);
/// After those of models and evaluation, whose nouns it adds verbs to.
void AddExplainCommands(CLI::App& app, CommandLine& line);
void AddSimulatorCommands(CLI::App& app, CommandLine& line);
void AddTrainCommands(CLI::App& app, CommandLine& line);

/// To stdout, with a line end where it lacks one.
void Print(std::string_view text);
/// To stderr.
void Say(std::string_view text);

/// A stop token that Ctrl-C and SIGTERM request; the same one for the whole process.
std::stop_token StopOnSignals();

}  // namespace vitrine::apps
