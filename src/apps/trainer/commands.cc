#include "apps/trainer/commands.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/snapshot_reader.h"
#include "adapters/toml/protocol.h"
#include "adapters/toml/train_spec.h"
#include "apps/trainer/algorithms.h"
#include "apps/trainer/process.h"
#include "evaluate/holdout.h"
#include "evaluate/split.h"
#include "graph/artifact_files.h"
#include "train/trainer.h"

namespace vitrine::apps {
namespace {
Result<evaluate::Protocol> ProtocolOf(const std::string& path_or_name) {
  ASSIGN_OR_RETURN(const std::string text,
                   adapters::ReadTextOrReady("protocol", path_or_name, adapters::ReadyProtocols()));
  return adapters::ParseProtocol(text, path_or_name);
}

/// What the version that is refitted settled on.
Status TakeChoices(const std::string& like, train::TrainRequest& request) {
  ASSIGN_OR_RETURN(const graph::Artifact artifact, graph::OpenArtifact(like));
  if (artifact.manifest.algorithm != request.spec.algorithm) {
    return InvalidArgument(
        fmt::format("--like {} is a {}, the train spec a {}; choices of one do "
                    "not fit the other",
                    like, artifact.manifest.algorithm, request.spec.algorithm));
  }
  ASSIGN_OR_RETURN(request.chosen, train::ChosenOf(artifact.manifest.train_spec));
  return Status::Ok();
}

/// Reads snapshots within half of the limit; what does not fit is spilled beside `out` and removed.
class SpillingReader {
 public:
  SpillingReader(const std::string& out, std::uint64_t memory_limit_mb)
      : spill_(out + ".spill"),
        reader_({.memory_limit_mb = memory_limit_mb > 0 ? memory_limit_mb / 2 : 1024,
                 .threads = 0,
                 .temporary_directory = spill_}) {}
  ~SpillingReader() {
    std::error_code ignored;
    std::filesystem::remove_all(spill_, ignored);
  }
  SpillingReader(const SpillingReader&) = delete;
  SpillingReader& operator=(const SpillingReader&) = delete;
  data::SnapshotReader& get() { return reader_; }

 private:
  std::string spill_;
  duckdb::ParquetSnapshotReader reader_;
};

void PrintJson(const std::string& json) { std::puts(json.c_str()); }
}  // namespace

Result<std::uint64_t> MemoryLimitOf(const TrainFlags& flags) {
  if (flags.memory_limit_mb > 0) {
    return flags.memory_limit_mb;
  }
  ASSIGN_OR_RETURN(const train::TrainSpec spec, adapters::ReadTrainSpec(flags.spec));
  return spec.memory_limit_mb;
}

Status TrainCommand(const TrainFlags& flags, const std::string& code_version,
                    const Progress& progress) {
  train::TrainRequest request;
  request.snapshot_dir = flags.snapshot;
  ASSIGN_OR_RETURN(request.spec, adapters::ReadTrainSpec(flags.spec));
  if (!flags.name.empty()) {
    request.spec.name = flags.name;
  }
  request.spec.seed = flags.seed.value_or(request.spec.seed);
  ASSIGN_OR_RETURN(request.protocol, ProtocolOf(flags.protocol));
  if (!flags.warm_start.empty()) {
    request.spec.warm_start = flags.warm_start;
  }
  request.out = flags.out;
  request.refit = flags.refit;
  request.parent = flags.parent;
  request.code_version = code_version;
  ASSIGN_OR_RETURN(const train::ModelFactory* const factory, FindAlgorithm(request.spec.algorithm));
  if (!flags.like.empty()) {
    RETURN_IF_ERROR(TakeChoices(flags.like, request));
  }
  SpillingReader reader(flags.out, flags.memory_limit_mb);
  ASSIGN_OR_RETURN(const train::TrainResult result,
                   train::Train(request, *factory, reader.get(), progress));
  auto json = nlohmann::ordered_json::parse(train::TrainResultToJson(result));
  json["cpu_seconds"] = CpuSeconds();
  json["peak_memory_bytes"] = PeakResidentBytes();
  PrintJson(json.dump());
  return Status::Ok();
}

Status SplitCommand(const SplitFlags& flags, const Progress& progress) {
  ASSIGN_OR_RETURN(const evaluate::Protocol protocol, ProtocolOf(flags.protocol));
  SpillingReader reader(flags.out, flags.memory_limit_mb);
  ASSIGN_OR_RETURN(data::Interactions interactions,
                   reader.get().ReadInteractions(flags.snapshot, protocol.events, progress));
  ASSIGN_OR_RETURN(const data::ItemTable items,
                   reader.get().ReadItems(flags.snapshot, interactions));
  ASSIGN_OR_RETURN(const evaluate::Split split, evaluate::MakeSplit(interactions, items, protocol));
  if (progress.cancelled()) {
    return Cancelled("cancelled before the cases were written");
  }
  const evaluate::Holdout holdout = evaluate::MakeHoldout(interactions, split, protocol);
  RETURN_IF_ERROR(evaluate::WriteHoldout(holdout, flags.out));
  PrintJson(nlohmann::ordered_json{{"holdout", flags.out},
                                   {"protocol", protocol.name},
                                   {"rows", interactions.rows()},
                                   {"users", holdout.users},
                                   {"items", holdout.catalogue_items},
                                   {"validation", holdout.CountOf(evaluate::Part::kValidation)},
                                   {"test", holdout.CountOf(evaluate::Part::kTest)},
                                   {"dropped", split.dropped_cases}}
                .dump());
  return Status::Ok();
}

void ModelsCommand(bool json) {
  if (!json) {
    std::fputs(DescribeAlgorithms().c_str(), stdout);
    std::fputs("Ready train specs (--spec):", stdout);
    for (const adapters::ReadyText& ready : adapters::ReadySpecs()) {
      std::fputs(fmt::format(" {}", ready.name).c_str(), stdout);
    }
    std::fputs("\nReady protocols (--protocol):", stdout);
    for (const adapters::ReadyText& ready : adapters::ReadyProtocols()) {
      std::fputs(fmt::format(" {}", ready.name).c_str(), stdout);
    }
    std::fputs("\n", stdout);
    return;
  }
  nlohmann::ordered_json all = {{"algorithms", nlohmann::ordered_json::parse(AlgorithmsToJson())},
                                {"specs", nlohmann::ordered_json::array()},
                                {"protocols", nlohmann::ordered_json::array()}};
  for (const adapters::ReadyText& ready : adapters::ReadySpecs()) {
    all["specs"].push_back(ready.name);
  }
  for (const adapters::ReadyText& ready : adapters::ReadyProtocols()) {
    all["protocols"].push_back(ready.name);
  }
  PrintJson(all.dump());
}

}  // namespace vitrine::apps
