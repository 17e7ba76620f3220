// vitrine train run|models: vitrine-trainer as it is, for people who try models by hand.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/vitrine/command_line.h"
#include "apps/vitrine/lake_child.h"
#include "loop/steps.h"

namespace vitrine::apps {
namespace {

struct TrainFlags {
  std::string snapshot;
  std::string table;
  std::string label;
  std::vector<std::string> leave_out;
  std::string spec;
  std::string protocol;
  std::string out;
  bool refit = false;
};

Status Train(const CommandLine& line, const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const Settings settings, line.LoadSettings());
  std::vector<std::string> arguments = {"train",
                                        flags.table.empty() ? "--snapshot" : "--table",
                                        flags.table.empty() ? flags.snapshot : flags.table,
                                        "--spec",
                                        flags.spec,
                                        "--protocol",
                                        flags.protocol,
                                        "--out",
                                        flags.out,
                                        "--memory-limit",
                                        settings.Text("train.memory_limit_mb")};
  if (flags.refit) {
    arguments.emplace_back("--refit");
  }
  if (!flags.label.empty()) {
    arguments.insert(arguments.end(), {"--label", flags.label});
  }
  for (const std::string& column : flags.leave_out) {
    arguments.insert(arguments.end(), {"--leave-out", column});
  }
  if (line.json) {
    arguments.emplace_back("--json");
  }
  ASSIGN_OR_RETURN(const std::string result, RunProgram(loop::ProgramsBeside("").trainer,
                                                        std::move(arguments), StopOnSignals()));
  Print(result);
  return Status::Ok();
}

}  // namespace

void AddTrainCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* train = app.add_subcommand("train", "Fit models by hand");
  train->require_subcommand(1);
  const auto add_training = [&](const char* name, const char* what) {
    CLI::App* verb = train->add_subcommand(name, what);
    CLI::Option_group* const rows = verb->add_option_group("rows");
    rows->add_option("--snapshot", flags->snapshot, "Folder of the snapshot");
    rows->add_option("--table", flags->table, "File of labelled rows, for a ranker");
    rows->require_option(1);
    verb->add_option("--label", flags->label, "Column of the table that says 0 or 1");
    verb->add_option("--leave-out", flags->leave_out,
                     "Columns of the table that are not looked at");
    verb->add_option("--spec", flags->spec, "A ready train spec's name, or a file")->required();
    verb->add_option("--protocol", flags->protocol, "A ready protocol's name, or a file")
        ->required();
    verb->add_option("--out", flags->out, "Artifact folder to write")->required();
    verb->add_flag("--refit", flags->refit, "Fit what is shipped on all data");
    verb->callback([flags, &line] { line.run = [flags, &line] { return Train(line, *flags); }; });
  };
  add_training("run", "Fit one model and write its artifact folder");
  add_training("resume", "Go on with a run that was cancelled or killed: the same arguments");
  train->add_subcommand("models", "Algorithms, their parameters, ready specs and protocols")
      ->callback([&line] {
        line.run = [&line]() -> Status {
          std::vector<std::string> arguments = {"models"};
          if (line.json) {
            arguments.emplace_back("--json");
          }
          ASSIGN_OR_RETURN(const std::string text,
                           RunProgram(loop::ProgramsBeside("").trainer, std::move(arguments), {}));
          Print(text);
          return Status::Ok();
        };
      });
}

}  // namespace vitrine::apps
