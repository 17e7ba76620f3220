#include "apps/trainer/commands.h"

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/toml/protocol.h"
#include "adapters/toml/train_spec.h"
#include "apps/trainer/algorithms.h"
#include "apps/trainer/process.h"
#include "apps/trainer/ranker_commands.h"
#include "apps/trainer/spilling_reader.h"
#include "evaluate/holdout.h"
#include "evaluate/split.h"
#include "graph/artifact_files.h"
#include "train/trainer.h"

namespace vitrine::apps {
namespace {
void PrintJson(const std::string& json) { std::puts(json.c_str()); }

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

/// What the flags ask for, spec and protocol read.
Result<train::TrainRequest> RequestOf(const TrainFlags& flags, const std::string& code_version) {
  train::TrainRequest request;
  request.snapshot_dir = flags.rows.snapshot;
  ASSIGN_OR_RETURN(request.spec, adapters::ReadTrainSpec(flags.spec));
  if (!flags.name.empty()) {
    request.spec.name = flags.name;
  }
  request.spec.seed = flags.seed.value_or(request.spec.seed);
  if (!flags.warm_start.empty()) {
    request.spec.warm_start = flags.warm_start;
  }
  ASSIGN_OR_RETURN(request.protocol, ProtocolOf(flags.protocol));
  request.out = flags.out;
  request.refit = flags.refit;
  request.parent = flags.parent;
  request.code_version = code_version;
  if (!flags.like.empty()) {
    RETURN_IF_ERROR(TakeChoices(flags.like, request));
  }
  return request;
}
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
  ASSIGN_OR_RETURN(train::TrainRequest request, RequestOf(flags, code_version));
  if (const train::RankerFactory* const ranker = FindRanker(request.spec.algorithm)) {
    return TrainRankerCommand(flags, std::move(request), *ranker, progress);
  }
  ASSIGN_OR_RETURN(const train::ModelFactory* const factory, FindAlgorithm(request.spec.algorithm));
  if (!flags.rows.table.empty()) {
    return InvalidArgument(
        fmt::format("--table gives labelled rows; {} learns from a snapshot's histories. Take a "
                    "ranker (`vitrine-trainer models` lists them), or give --snapshot",
                    request.spec.algorithm));
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
  if (protocol.kind == evaluate::ProtocolKind::kLabelled) {
    return SplitRowsCommand(flags, protocol, progress);
  }
  SpillingReader reader(flags.out, flags.memory_limit_mb);
  ASSIGN_OR_RETURN(data::Interactions interactions,
                   reader.get().ReadInteractions(flags.rows.snapshot, protocol.events, progress));
  ASSIGN_OR_RETURN(const data::ItemTable items,
                   reader.get().ReadItems(flags.rows.snapshot, interactions));
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
