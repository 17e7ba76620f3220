/// vitrine-trainer: fits models and writes artifacts. A process of its own, so that a training that
/// takes all memory never touches serving. Result on stdout, progress and messages on stderr.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <new>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "adapters/files/simulated_clock.h"
#include "apps/trainer/commands.h"
#include "apps/trainer/process.h"
#include "apps/trainer/progress_printer.h"
#include "core/exit_code.h"

namespace vitrine::apps {
namespace {
struct Flags {
  TrainFlags train;
  SplitFlags split;
  bool json = false;
};

/// Where rows come from: either of the two.
void AddRows(CLI::App& command, RowFlags& rows) {
  CLI::Option_group* const from = command.add_option_group("rows");
  from->add_option("--snapshot", rows.snapshot, "Folder of the snapshot");
  from->add_option("--table", rows.table,
                   "CSV, TSV or Parquet file of labelled rows, for a ranker");
  from->require_option(1);
  command.add_option("--label", rows.label, "Column of the table that says 0 or 1");
  command.add_option("--leave-out", rows.leave_out, "Columns of the table that are not looked at");
}

void AddTrain(CLI::App& app, Flags& flags) {
  CLI::App* train = app.add_subcommand("train", "Fit a model and write its artifact folder");
  AddRows(*train, flags.train.rows);
  train->add_option("--spec", flags.train.spec, "Train spec: a TOML file or a ready one's name")
      ->required();
  train
      ->add_option("--protocol", flags.train.protocol,
                   "Protocol: a TOML file or a ready one's name")
      ->required();
  train->add_option("--out", flags.train.out, "Artifact folder to write; must not exist")
      ->required();
  train->add_option("--name", flags.train.name, "Name of the model, over the spec's");
  train->add_option("--seed", flags.train.seed, "Seed, over the spec's");
  train->add_flag("--refit", flags.train.refit, "Fit what is shipped on all data");
  train->add_option("--like", flags.train.like,
                    "Artifact folder whose choices (epochs) are taken over; saves the first fit");
  train->add_option("--warm-start", flags.train.warm_start,
                    "Artifact folder of an earlier version whose weights a network starts from");
  train->add_option("--parent", flags.train.parent,
                    "Version that this one derives from, NAME:NUMBER");
  train->add_option("--memory-limit", flags.train.memory_limit_mb,
                    "Stop above this much resident memory, in MB (0: the spec's, or none)");
  train->add_flag("--json", flags.json, "Progress as JSON lines on stderr");
}

void AddSplit(CLI::App& app, Flags& flags) {
  CLI::App* split = app.add_subcommand("split", "Write a protocol's evaluation cases as a file");
  AddRows(*split, flags.split.rows);
  split
      ->add_option("--protocol", flags.split.protocol,
                   "Protocol: a TOML file or a ready one's name")
      ->required();
  split->add_option("--out", flags.split.out, "File to write (holdout.jsonl)")->required();
  split->add_option("--memory-limit", flags.split.memory_limit_mb,
                    "Stop above this much resident memory, in MB (0: none)");
  split->add_flag("--json", flags.json, "Progress as JSON lines on stderr");
}

int Finish(const Status& status) {
  if (status.ok()) {
    return kExitOk;
  }
  std::fputs(fmt::format("vitrine-trainer: {}\n", status.message()).c_str(), stderr);
  return ExitCodeOf(status.code());
}

/// Runs a command under signals and the memory limit; what it throws becomes a Status.
int Guarded(std::uint64_t limit_mb, bool json,
            const std::function<Status(const Progress&)>& command) {
  StopOnSignal signals;
  const MemoryWatch memory(limit_mb, signals.source());
  Status status;
  {
    const ProgressStyle style = json                    ? ProgressStyle::kJson
                                : isatty(STDERR_FILENO) ? ProgressStyle::kBar
                                                        : ProgressStyle::kLines;
    ProgressPrinter printer(style, stderr);
    Progress progress;
    progress.report = [&printer](const ProgressReport& report) { printer.Print(report); };
    progress.stop = signals.source().get_token();
    try {
      status = command(progress);
    } catch (const std::bad_alloc&) {
      status = ResourceExhausted(
          "memory ran out; give more, or train on fewer rows (protocol, "
          "events) or a smaller model");
    } catch (const std::exception& e) {
      status = Internal(fmt::format("unexpected: {}", e.what()));
    }
  }
  if (memory.exceeded() && !status.ok()) {
    status = ResourceExhausted(fmt::format(
        "resident memory passed the limit of {} MB; raise --memory-limit, or train on fewer rows "
        "(protocol, events) or a smaller model",
        limit_mb));
  }
  return Finish(status);
}

int Run(int argc, char** argv) {
  CLI::App app("Fits ranking and retrieval models on a snapshot and writes artifacts.",
               "vitrine-trainer");
  app.set_version_flag("--version", "vitrine-trainer " VITRINE_VERSION);
  app.require_subcommand(1);
  Flags flags;
  AddTrain(app, flags);
  AddSplit(app, flags);
  CLI::App* models = app.add_subcommand("models", "List algorithms, parameters, specs, protocols");
  models->add_flag("--json", flags.json, "As one JSON object");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitOk : kExitUsage;
  }
  if (const Status clock = files::FollowSimulatedClock(std::getenv("VITRINE_SIMULATED_CLOCK"));
      !clock.ok()) {
    return Finish(clock);
  }
  if (models->parsed()) {
    ModelsCommand(flags.json);
    return kExitOk;
  }
  if (app.got_subcommand("split")) {
    return Guarded(flags.split.memory_limit_mb, flags.json,
                   [&](const Progress& progress) { return SplitCommand(flags.split, progress); });
  }
  const Result<std::uint64_t> limit = MemoryLimitOf(flags.train);
  if (!limit.ok()) {
    return Finish(limit.status());
  }
  if (const Status blas = CheckBlas(); !blas.ok()) {
    std::fputs(fmt::format("vitrine-trainer: warning: {}\n", blas.message()).c_str(), stderr);
  }
  return Guarded(*limit, flags.json, [&](const Progress& progress) {
    return TrainCommand(flags.train, VITRINE_VERSION, progress);
  });
}
}  // namespace
}  // namespace vitrine::apps

int main(int argc, char** argv) {
  vitrine::apps::PrepareProcess(argv);
  return vitrine::apps::Run(argc, argv);
}
