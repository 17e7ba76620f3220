#include "apps/lake/commands.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/duck_lake.h"
#include "adapters/rocksdb/log_reader.h"
#include "adapters/toml/mapping.h"
#include "data/lake.h"
#include "data/timestamp.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

/// What the process needs beside DuckDB's own limit: buffers of readers, the interactions of states.
constexpr std::size_t kOutsideMb = 256;
constexpr std::size_t kLeastMb = 128;

std::unique_ptr<data::Lake> OpenLake(const LakeArguments& arguments) {
  const std::size_t limit = std::max(arguments.memory_limit_mb, kOutsideMb + kLeastMb) - kOutsideMb;
  return duckdb::OpenDuckLake(arguments.data,
                              {.memory_limit_mb = limit, .threads = arguments.threads});
}

Result<data::ImportRequest> ImportRequestOf(const LakeArguments& arguments) {
  data::ImportRequest request;
  request.paths = arguments.paths;
  request.now = Now();
  ASSIGN_OR_RETURN(request.mapping, adapters::LoadMapping(arguments.mapping));
  return request;
}

Result<std::string> SnapshotFile(const LakeArguments& arguments, std::string_view name) {
  const auto lake = OpenLake(arguments);
  ASSIGN_OR_RETURN(const data::SnapshotManifest snapshot, lake->Snapshot(arguments.snapshot));
  const std::string path = fmt::format("{}/{}", lake->SnapshotFolder(snapshot.id), name);
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return DataLoss(
        fmt::format("{} cannot be read; make a new snapshot with `clean --full`", path));
  }
  return text.str();
}

Result<std::string> CleanWith(const LakeArguments& arguments, bool replay,
                              const Progress& progress) {
  data::CleanRequest request;
  request.full = arguments.full;
  request.replay = replay;
  request.as_of = Now();
  if (!arguments.as_of.empty()) {
    ASSIGN_OR_RETURN(const data::ParsedTime time, data::ParseTime(arguments.as_of));
    request.as_of = time.time;
  }
  if (!arguments.mapping.empty()) {
    ASSIGN_OR_RETURN(request.mapping, adapters::LoadMapping(arguments.mapping));
  }
  const auto lake = OpenLake(arguments);
  ASSIGN_OR_RETURN(data::CleanOutcome outcome, lake->Clean(request, progress));
  if (!outcome.unchanged) {
    if (!arguments.json) {
      return outcome.report.ToText() + "  " + outcome.folder + "\n";
    }
    json result = json::parse(outcome.report.ToJson());
    result["dir"] = outcome.folder;
    result["unchanged"] = false;
    return result.dump(1) + "\n";
  }
  ASSIGN_OR_RETURN(const data::SnapshotManifest newest, lake->Snapshot(""));
  if (!arguments.json) {
    return fmt::format(
        "Nothing is new since snapshot {}: it stands. (clean --full judges every row "
        "again.)\n",
        newest.id);
  }
  return json({{"snapshot", newest.id},
               {"dir", outcome.folder},
               {"unchanged", true},
               {"rows", newest.rows}})
             .dump(1) +
         "\n";
}

}  // namespace

Result<std::string> RunImport(const LakeArguments& arguments, const Progress& progress) {
  ASSIGN_OR_RETURN(const data::ImportRequest request, ImportRequestOf(arguments));
  ASSIGN_OR_RETURN(const data::ImportReport report, OpenLake(arguments)->Import(request, progress));
  return arguments.json ? report.ToJson() : report.ToText();
}

Result<std::string> RunClean(const LakeArguments& arguments, const Progress& progress) {
  return CleanWith(arguments, false, progress);
}

Result<std::string> RunReplay(const LakeArguments& arguments, const Progress& progress) {
  return CleanWith(arguments, true, progress);
}

Result<std::string> RunReport(const LakeArguments& arguments, const Progress& /*progress*/) {
  return SnapshotFile(arguments, arguments.json ? "report.json" : "report.txt");
}

Result<std::string> RunLog(const LakeArguments& arguments, const Progress& progress) {
  ASSIGN_OR_RETURN(const auto reader, adapters::RocksEventLogReader::Open(arguments.data + "/log"));
  const data::ReadLog read = [&](std::uint64_t after, std::size_t limit) {
    return reader->Read(after, limit);
  };
  ASSIGN_OR_RETURN(const data::LogIngested done, OpenLake(arguments)->Ingest(read, progress));
  if (arguments.json) {
    return json({{"records", done.records},
                 {"watermark", done.watermark},
                 {"event_rows", done.event_rows},
                 {"impression_rows", done.impression_rows},
                 {"item_rows", done.item_rows},
                 {"user_rows", done.user_rows},
                 {"erased_subjects", done.erased_subjects}})
               .dump(1) +
           "\n";
  }
  return fmt::format(
      "Read {} records of the log up to {}: {} event rows, {} impression rows, {} item "
      "rows, {} user rows, {} erased subjects\n",
      done.records, done.watermark, done.event_rows, done.impression_rows, done.item_rows,
      done.user_rows, done.erased_subjects);
}

namespace {

/// Writes a file of JSON lines for the server and tells where it is.
template <typename Write>
Result<std::string> WriteLines(const LakeArguments& arguments, std::string_view what,
                               const Write& write) {
  const auto lake = OpenLake(arguments);
  ASSIGN_OR_RETURN(const data::SnapshotManifest snapshot, lake->Snapshot(arguments.snapshot));
  const std::string path = arguments.out.empty()
                               ? fmt::format("{}/{}.jsonl", lake->SnapshotFolder(snapshot.id), what)
                               : arguments.out;
  ASSIGN_OR_RETURN(const std::uint64_t lines, write(*lake, snapshot.id, path));
  if (arguments.json) {
    return json({{"snapshot", snapshot.id},
                 {"path", path},
                 {"lines", lines},
                 {"log_watermark", snapshot.log_watermark}})
               .dump(1) +
           "\n";
  }
  return fmt::format("Wrote {} {} of snapshot {} to {}\n", lines, what, snapshot.id, path);
}

}  // namespace

Result<std::string> RunStates(const LakeArguments& arguments, const Progress& progress) {
  return WriteLines(arguments, "states",
                    [&](data::Lake& lake, const std::string& id, const std::string& path) {
                      return lake.WriteStates(id, path, progress);
                    });
}

Result<std::string> RunCatalogue(const LakeArguments& arguments, const Progress& progress) {
  return WriteLines(arguments, "catalogue",
                    [&](data::Lake& lake, const std::string& id, const std::string& path) {
                      return lake.WriteCatalogue(id, path, progress);
                    });
}

Result<std::string> RunMappings(const LakeArguments& arguments, const Progress& /*progress*/) {
  json list = json::array();
  std::string text;
  for (const adapters::ReadyMapping& ready : adapters::ReadyMappings()) {
    ASSIGN_OR_RETURN(const data::Mapping mapping, adapters::LoadMapping(std::string(ready.name)));
    if (arguments.out == ready.name) {
      return std::string(ready.text);
    }
    list.push_back({{"name", mapping.name}, {"description", mapping.description}});
    text += fmt::format("{:<16} {}\n", mapping.name, mapping.description);
  }
  return arguments.json ? list.dump(1) + "\n" : text;
}

}  // namespace vitrine::apps
