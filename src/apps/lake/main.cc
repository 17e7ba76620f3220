// vitrine-lake: files and the server's log into the lake, and snapshots out of it. A process of its
// own, so that its memory and its crashes never touch serving.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <functional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/lake/commands.h"
#include "apps/lake/console.h"
#include "apps/lake/exit_code.h"

namespace vitrine::apps {
namespace {

using Verb = std::function<Result<std::string>(const LakeArguments&, const Progress&)>;

CLI::App* AddVerb(CLI::App& app, const char* name, const char* what, LakeArguments& arguments,
                  Verb& chosen, Verb verb) {
  CLI::App* sub = app.add_subcommand(name, what);
  sub->add_option("--data", arguments.data, "the data directory")->capture_default_str();
  sub->add_flag("--json", arguments.json, "JSON on stdout, progress as JSON lines on stderr");
  sub->add_option("--memory-limit", arguments.memory_limit_mb, "MB for the whole process")
      ->capture_default_str();
  sub->add_option("--threads", arguments.threads, "0: as many as there are cores");
  sub->callback([&chosen, verb = std::move(verb)] { chosen = verb; });
  return sub;
}

void AddImportOptions(CLI::App* sub, LakeArguments& arguments) {
  sub->add_option("PATH", arguments.paths, "files, or a folder of a data set")->required();
  sub->add_option("--mapping", arguments.mapping, "a ready mapping's name, or a file")->required();
}

void AddVerbs(CLI::App& app, LakeArguments& arguments, Verb& chosen) {
  AddImportOptions(AddVerb(app, "import", "read files into the lake", arguments, chosen, RunImport),
                   arguments);
  AddImportOptions(
      AddVerb(app, "check", "read files and keep nothing", arguments, chosen, RunCheck), arguments);
  CLI::App* clean = AddVerb(app, "clean", "make the next snapshot", arguments, chosen, RunClean);
  clean->add_option("--mapping", arguments.mapping,
                    "rules of this mapping instead of the import's");
  clean->add_option("--as-of", arguments.as_of, "what counts as now, ISO 8601");
  clean->add_flag("--full", arguments.full, "judge every row again, not only the new ones");
  CLI::App* replay = AddVerb(app, "replay", "judge the quarantined rows again, by changed rules",
                             arguments, chosen, RunReplay);
  replay->add_option("--mapping", arguments.mapping, "the mapping with the changed rules");
  replay->add_option("--as-of", arguments.as_of, "what counts as now, ISO 8601");
  CLI::App* report =
      AddVerb(app, "report", "print a snapshot's report", arguments, chosen, RunReport);
  report->add_option("--snapshot", arguments.snapshot, "its id; the newest where left out");
  AddVerb(app, "log", "take in what the server's log has that is new", arguments, chosen, RunLog);
  for (const auto& [name, what, verb] :
       {std::tuple("states", "write user states for the server, JSON lines", &RunStates),
        std::tuple("catalogue", "write the current items, JSON lines", &RunCatalogue)}) {
    CLI::App* sub = AddVerb(app, name, what, arguments, chosen, verb);
    sub->add_option("--snapshot", arguments.snapshot, "its id; the newest where left out");
    sub->add_option("--out", arguments.out, "the file; in the snapshot's folder where left out");
  }
  CLI::App* mappings = AddVerb(app, "mappings", "list the ready mappings, or print one", arguments,
                               chosen, RunMappings);
  mappings->add_option("NAME", arguments.out, "the one to print");
}

int Run(int argc, char** argv) {
  LakeArguments arguments;
  Verb chosen;
  CLI::App app("vitrine-lake: collect and clean");
  app.require_subcommand(1);
  AddVerbs(app, arguments, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  StopOnSignal signals;
  const Result<std::string> result =
      chosen(arguments, ConsoleProgress(arguments.json, signals.token()));
  if (!result.ok()) {
    fmt::print(stderr, "vitrine-lake: {}\n", result.status().message());
    return ExitCodeOf(result.status().code());
  }
  const bool written = std::fputs(result->c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}

}  // namespace
}  // namespace vitrine::apps

int main(int argc, char** argv) {
  try {
    return vitrine::apps::Run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "vitrine-lake: {}\n", error.what());
    return 1;
  }
}
