// vitrine-lake: files and the server's log into the lake, and snapshots out of it. A process of its
// own, so that its memory and its crashes never touch serving.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/files/simulated_clock.h"
#include "apps/lake/commands.h"
#include "apps/lake/console.h"
#include "core/exit_code.h"

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

void AddWindow(CLI::App* sub, ContractArguments& contract) {
  sub->add_option("--from", contract.from, "only events from then on, ISO 8601");
  sub->add_option("--until", contract.until, "only events before then, ISO 8601");
}

void AddContractVerbs(CLI::App& app, LakeArguments& arguments, Verb& chosen) {
  ContractArguments& contract = arguments.contract;
  CLI::App* check =
      AddVerb(app, "check",
              "hold a snapshot, or files under a mapping, against the data contract; keep nothing",
              arguments, chosen, RunCheck);
  check->add_option("SOURCE", arguments.paths, "a snapshot's id (lake: for the newest), or files")
      ->required();
  check->add_option("--mapping", arguments.mapping, "of files: a ready mapping's name, or a file");
  check->add_option("--contract", contract.version, "a version; the one in force where left out");
  check->add_option("--alpha", contract.alpha, "chance of any false finding in a day");
  AddWindow(check, contract);
  CLI::App* learn = AddVerb(app, "contract-learn", "print the contract that a snapshot suggests",
                            arguments, chosen, RunContractLearn);
  learn->add_option("--snapshot", arguments.snapshot, "its id; the newest where left out");
  AddWindow(learn, contract);
  CLI::App* reconcile = AddVerb(app, "reconcile", "compare our rows with another system's export",
                                arguments, chosen, RunReconcile);
  reconcile->add_option("SOURCE", contract.source, "a file that describes the export")->required();
  AddWindow(reconcile, contract);
}

void AddVerbs(CLI::App& app, LakeArguments& arguments, Verb& chosen) {
  AddImportOptions(AddVerb(app, "import", "read files into the lake", arguments, chosen, RunImport),
                   arguments);
  AddContractVerbs(app, arguments, chosen);
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
        std::tuple("catalogue", "write the current items, JSON lines", &RunCatalogue),
        std::tuple("examples", "write what was shown and what followed, JSON lines",
                   &RunExamples)}) {
    CLI::App* sub = AddVerb(app, name, what, arguments, chosen, verb);
    sub->add_option("--snapshot", arguments.snapshot, "its id; the newest where left out");
    sub->add_option("--out", arguments.out, "the file; in the snapshot's folder where left out");
  }
  CLI::App* mappings = AddVerb(app, "mappings", "list the ready mappings, or print one", arguments,
                               chosen, RunMappings);
  mappings->add_option("NAME", arguments.out, "the one to print");
}

void AddGc(CLI::App& app, LakeArguments& arguments, Verb& chosen) {
  CLI::App* sub =
      AddVerb(app, "gc", "remove old snapshots that nothing needs", arguments, chosen, RunGc);
  sub->add_option("--newest", arguments.gc.newest, "so many of the newest stay")
      ->capture_default_str();
  sub->add_option("--before", arguments.gc.before,
                  "only what was made before then, ISO 8601; now where left out");
  sub->add_option("--needed", arguments.gc.needed,
                  "hashes of snapshots that stay: models were fitted on them");
  sub->add_flag("--dry-run", arguments.gc.dry_run, "remove nothing: say what would go");
}

constexpr const char* kDriftFooter =
    "A source is PATH (.parquet, .csv, .tsv, with .gz too, or a pattern with *) or a snapshot of "
    "the\n"
    "lake: lake:[ID][/events|/items][@FROM..TO], the newest one where ID is left out.\n"
    "  vitrine-lake drift march.parquet april.parquet --slice country\n"
    "  vitrine-lake drift lake:@2026-03-01..2026-04-01 lake:@2026-04-01..2026-05-01\n"
    "A column drifted where its p is below its share of --alpha (Holm) and its effect, PSI above "
    "what\n"
    "chance gives, is 0.02 or more. See docs/drift.md.";

void AddDrift(CLI::App& app, LakeArguments& arguments, Verb& chosen) {
  CLI::App* sub = AddVerb(app, "drift", "compare two frames of rows, column by column", arguments,
                          chosen, RunDrift);
  DriftArguments& drift = arguments.drift;
  sub->add_option("REFERENCE", drift.reference, "a source: what was")->required();
  sub->add_option("CURRENT", drift.current, "a source: what is")->required();
  sub->add_option("--columns", drift.columns, "only these")->delimiter(',');
  sub->add_option("--words", drift.words, "numbers that are names: compare their levels")
      ->delimiter(',');
  sub->add_option("--text", drift.texts, "words that are texts: compare by n-grams")
      ->delimiter(',');
  sub->add_option("--slice", drift.slice, "a column: which of its segments moved most");
  sub->add_option("--importance", drift.importance,
                  "a JSON file of columns and weights: what matters most stands first");
  sub->add_option("--label", drift.label,
                  "a column of 0 and 1: did the rows change, or the answers to the same rows");
  sub->add_option("--score", drift.score,
                  "the model's score, within whose strata --label is compared");
  sub->add_option("--alpha", drift.alpha, "chance of any false alarm in the report")
      ->capture_default_str();
  sub->footer(kDriftFooter);
}

int Run(int argc, char** argv) {
  LakeArguments arguments;
  Verb chosen;
  int verdict = kExitOk;
  arguments.verdict = &verdict;
  CLI::App app("vitrine-lake: collect, clean and compare");
  app.require_subcommand(1);
  AddVerbs(app, arguments, chosen);
  AddDrift(app, arguments, chosen);
  AddGc(app, arguments, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (const Status clock = files::FollowSimulatedClock(std::getenv("VITRINE_SIMULATED_CLOCK"));
      !clock.ok()) {
    fmt::print(stderr, "vitrine-lake: {}\n", clock.message());
    return kExitUsage;
  }
  StopOnSignal signals;
  const Result<std::string> result =
      chosen(arguments, ConsoleProgress(arguments.json, signals.token()));
  if (!result.ok()) {
    fmt::print(stderr, "vitrine-lake: {}\n", result.status().message());
    return ExitCodeOf(result.status().code());
  }
  const bool written = std::fputs(result->c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? verdict : kExitFailure;
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
