#include "apps/trainer/ranker_commands.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/table_rows.h"
#include "apps/trainer/process.h"
#include "apps/trainer/spilling_reader.h"
#include "evaluate/labelled_file.h"
#include "train/ranker_trainer.h"
#include "train/shown_rows.h"
#include "train/table_features.h"

namespace vitrine::apps {
namespace {

Status CheckProtocolOf(const evaluate::Protocol& protocol, std::string_view algorithm) {
  return protocol.kind == evaluate::ProtocolKind::kLabelled
             ? Status::Ok()
             : InvalidArgument(fmt::format(
                   "{} learns from labelled rows; protocol '{}' is of kind {}. Take one of kind "
                   "labelled, such as the ready one: --protocol labelled",
                   algorithm, protocol.name, evaluate::ProtocolKindName(protocol.kind)));
}

Result<train::RankerMaterial> MaterialOf(const RowFlags& flags, const evaluate::Protocol& protocol,
                                         const std::string& out, std::uint64_t memory_limit_mb,
                                         const Progress& progress) {
  if (flags.table.empty()) {
    SpillingReader reader(out, memory_limit_mb);
    if (protocol.rows == evaluate::RowSource::kShown) {
      return train::ReadShownMaterial(flags.snapshot, protocol, reader.get(), reader.shown(),
                                      progress);
    }
    return train::ReadRankerMaterial(flags.snapshot, protocol, reader.get(), progress);
  }
  if (protocol.rows == evaluate::RowSource::kShown) {
    return InvalidArgument(fmt::format(
        "protocol '{}': rows = \"shown\" are a snapshot's answers; a table's rows are its own",
        protocol.name));
  }
  if (flags.label.empty()) {
    return InvalidArgument("--table needs --label: which column says what happened, 0 or 1?");
  }
  train::RankerMaterial material;
  material.protocol = protocol;
  const std::string spill = out + ".spill";
  auto rows = duckdb::ReadLabelledTable(
      {.path = flags.table, .label = flags.label, .leave_out = flags.leave_out}, protocol,
      SpillingTo(spill, memory_limit_mb), progress);
  std::error_code ignored;
  std::filesystem::remove_all(spill, ignored);
  RETURN_IF_ERROR(rows.status());
  material.set = *std::move(rows);
  return material;
}

}  // namespace

Status TrainRankerCommand(const TrainFlags& flags, train::TrainRequest request,
                          const train::RankerFactory& factory, const Progress& progress) {
  RETURN_IF_ERROR(CheckProtocolOf(request.protocol, factory.algorithm));
  ASSIGN_OR_RETURN(
      const train::RankerMaterial material,
      MaterialOf(flags.rows, request.protocol, flags.out, flags.memory_limit_mb, progress));
  if (!flags.rows.table.empty()) {
    RETURN_IF_ERROR(train::UseTableFeatures(material.set, request.spec));
  }
  ASSIGN_OR_RETURN(const train::RankerResult result,
                   train::TrainRanker(request, factory, material, progress));
  auto json = nlohmann::ordered_json::parse(train::RankerResultToJson(result));
  json["cpu_seconds"] = CpuSeconds();
  json["peak_memory_bytes"] = PeakResidentBytes();
  std::puts(json.dump().c_str());
  return Status::Ok();
}

Status SplitRowsCommand(const SplitFlags& flags, const evaluate::Protocol& protocol,
                        const Progress& progress) {
  ASSIGN_OR_RETURN(const train::RankerMaterial material,
                   MaterialOf(flags.rows, protocol, flags.out, flags.memory_limit_mb, progress));
  RETURN_IF_ERROR(evaluate::WriteLabelledRows(material.set, flags.out));
  nlohmann::ordered_json json = {{"holdout", flags.out},
                                 {"protocol", protocol.name},
                                 {"rows", material.set.rows.size()},
                                 {"users", material.set.users.size()},
                                 {"items", material.set.items.size()},
                                 {"validation", material.set.CountOf(evaluate::Part::kValidation)},
                                 {"test", material.set.CountOf(evaluate::Part::kTest)}};
  if (material.shown.has_value()) {
    json["shown"] = nlohmann::ordered_json::parse(train::ShownSummaryToJson(*material.shown));
  }
  std::puts(json.dump().c_str());
  return Status::Ok();
}

}  // namespace vitrine::apps
