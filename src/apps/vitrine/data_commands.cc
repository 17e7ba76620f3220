// vitrine data import|check|clean|report|replay|drift: vitrine-lake on this data directory. The contract and
// reconciliation: contract_commands.cc.
#include <CLI/CLI.hpp>
#include <iterator>
#include <memory>
#include <utility>

#include "apps/vitrine/command_line.h"
#include "apps/vitrine/contract_commands.h"
#include "apps/vitrine/lake_child.h"

namespace vitrine::apps {
namespace {

struct DataFlags {
  std::vector<std::string> paths;
  std::string mapping;
  std::string as_of;
  std::string snapshot;
  std::string contract, alpha, from, until;
  bool full = false;
};

Status RunVerb(const CommandLine& line, const std::string& verb, const DataFlags& flags) {
  std::vector<std::string> arguments = {verb};
  arguments.insert(arguments.end(), flags.paths.begin(), flags.paths.end());
  const auto add = [&arguments](const char* flag, const std::string& value) {
    if (!value.empty()) {
      arguments.insert(arguments.end(), {flag, value});
    }
  };
  add("--mapping", flags.mapping);
  add("--as-of", flags.as_of);
  add("--snapshot", flags.snapshot);
  add("--contract", flags.contract);
  add("--alpha", flags.alpha);
  add("--from", flags.from);
  add("--until", flags.until);
  if (flags.full) {
    arguments.emplace_back("--full");
  }
  ASSIGN_OR_RETURN(const std::string result,
                   RunLake(line, std::move(arguments), StopOnSignals(), &line.outcome));
  Print(result);
  return Status::Ok();
}

struct DriftFlags {
  std::string reference;
  std::string current;
  std::vector<std::string> values;  ///< of the options below, in their order
};

/// vitrine-lake's options of `drift`, handed over as they are.
constexpr std::pair<const char*, const char*> kDriftOptions[] = {
    {"--columns", "Only these, with commas between"},
    {"--words", "Numbers that are names: compare their levels"},
    {"--text", "Words that are texts: compare by n-grams"},
    {"--slice", "A column: which of its segments moved most"},
    {"--importance", "A JSON file of columns and weights: what matters most stands first"},
    {"--label", "A column of 0 and 1: did the rows change, or the answers to the same rows"},
    {"--score", "The model's score, within whose strata --label is compared"},
    {"--alpha", "Chance of any false alarm in the report; 0.01 where left out"}};

Status RunDrift(const CommandLine& line, const DriftFlags& flags) {
  std::vector<std::string> arguments = {"drift", flags.reference, flags.current};
  for (std::size_t i = 0; i < std::size(kDriftOptions); ++i) {
    if (!flags.values[i].empty()) {
      arguments.insert(arguments.end(), {kDriftOptions[i].first, flags.values[i]});
    }
  }
  ASSIGN_OR_RETURN(const std::string result, RunLake(line, std::move(arguments), StopOnSignals()));
  Print(result);
  return Status::Ok();
}

void AddDrift(CLI::App& data, CommandLine& line) {
  auto flags = std::make_shared<DriftFlags>();
  flags->values.resize(std::size(kDriftOptions));
  CLI::App* verb = data.add_subcommand("drift", "Compare two frames of rows, column by column");
  verb->add_option("REFERENCE", flags->reference,
                   "What was: a .parquet, .csv or .tsv file, or lake:[ID][/TABLE][@FROM..TO]")
      ->required();
  verb->add_option("CURRENT", flags->current, "What is, the same way")->required();
  for (std::size_t i = 0; i < std::size(kDriftOptions); ++i) {
    verb->add_option(kDriftOptions[i].first, flags->values[i], kDriftOptions[i].second);
  }
  verb->callback([flags, &line] { line.run = [flags, &line] { return RunDrift(line, *flags); }; });
}

}  // namespace

void AddDataCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<DataFlags>();
  CLI::App* data = app.add_subcommand("data", "Files into the lake, snapshots out of it");
  data->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* verb = data->add_subcommand(name, what);
    verb->callback([flags, &line, name] {
      line.run = [flags, &line, name] { return RunVerb(line, name, *flags); };
    });
    return verb;
  };
  CLI::App* import = add("import", "Read files into the lake");
  import->add_option("PATH", flags->paths, "Files, or the folder of a data set")->required();
  import->add_option("--mapping", flags->mapping, "A ready mapping's name, or a file")->required();
  CLI::App* check = add("check",
                        "Hold a snapshot, or files, against the data contract and keep nothing; of "
                        "files, also what would be taken");
  check->add_option("SOURCE", flags->paths, "A snapshot's id (lake: is the newest), or files")
      ->required();
  check->add_option("--mapping", flags->mapping, "Of files: a ready mapping's name, or a file");
  check->add_option("--contract", flags->contract, "A version; the one in force where left out");
  check->add_option("--alpha", flags->alpha, "Chance of any false finding in a day");
  check->add_option("--from", flags->from, "Only events from then on, ISO 8601");
  check->add_option("--until", flags->until, "Only events before then, ISO 8601");
  CLI::App* clean = add("clean", "Make the next snapshot");
  clean->add_option("--mapping", flags->mapping, "Rules of this mapping instead of the import's");
  clean->add_option("--as-of", flags->as_of, "What counts as now, ISO 8601");
  clean->add_flag("--full", flags->full, "Judge every row again, not only the new ones");
  CLI::App* replay = add("replay", "Judge quarantined rows again, by changed rules");
  replay->add_option("--mapping", flags->mapping, "The mapping with the changed rules");
  replay->add_option("--as-of", flags->as_of, "What counts as now, ISO 8601");
  add("report", "What a snapshot's cleaning found")
      ->add_option("--snapshot", flags->snapshot, "Its id; the newest where left out");
  AddContractCommands(*data, line);
  AddDrift(*data, line);
}

}  // namespace vitrine::apps
