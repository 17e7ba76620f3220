#include "adapters/duckdb/frame_source.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/duck_lake.h"
#include "adapters/duckdb/snapshot_view.h"
#include "data/lake.h"
#include "data/timestamp.h"

namespace vitrine::duckdb {
namespace {

constexpr std::string_view kLake = "lake:";

/// What names a row or belongs to the lake's own books; two of them never have the same ones.
constexpr std::array<std::string_view, 11> kOfTheLake = {
    "part",     "row",        "line",     "k",        "reject",    "content",
    "event_id", "request_id", "order_id", "replaces", "valid_from"};

std::string_view FirstLine(std::string_view message) {
  return message.substr(0, message.find('\n'));
}

bool EndsWith(std::string_view text, std::string_view end) { return text.ends_with(end); }

Result<std::string> FileSql(Database& database, const std::string& path, const std::string& copy) {
  std::error_code error;
  const bool pattern = path.find('*') != std::string::npos;
  if (!pattern && !std::filesystem::is_regular_file(path, error)) {
    return NotFound(fmt::format("there is no file {}", path));
  }
  if (EndsWith(path, ".parquet")) {
    return fmt::format("read_parquet({}, union_by_name = true)", Quoted(path));
  }
  const std::string plain = EndsWith(path, ".gz") ? path.substr(0, path.size() - 3) : path;
  if (!EndsWith(plain, ".csv") && !EndsWith(plain, ".tsv")) {
    return InvalidArgument(
        fmt::format("{} is not a .parquet, .csv or .tsv file (or one of the latter as .gz); for "
                    "other data, import it and name a snapshot: lake:ID",
                    path));
  }
  const Status copied = database.Execute(
      fmt::format("COPY (SELECT * FROM read_csv({}, header = true, sample_size = 100000, "
                  "union_by_name = true)) TO {} (FORMAT parquet)",
                  Quoted(path), Quoted(copy)));
  if (copied.code() == Code::kInvalidArgument) {
    return InvalidArgument(fmt::format("{} cannot be read as a table with a header line: {}", path,
                                       FirstLine(copied.message())));
  }
  RETURN_IF_ERROR(copied);
  return fmt::format("read_parquet({})", Quoted(copy));
}

/// "lake:[ID][/TABLE][@FROM..TO]" in parts.
struct LakeSource {
  std::string snapshot;
  std::string table = "events";
  std::string from;
  std::string to;
};

Result<LakeSource> ParseLakeSource(const std::string& source) {
  LakeSource out;
  std::string rest = source.substr(kLake.size());
  if (const std::size_t at = rest.find('@'); at != std::string::npos) {
    const std::string window = rest.substr(at + 1);
    const std::size_t dots = window.find("..");
    if (dots == std::string::npos) {
      return InvalidArgument(fmt::format(
          "the window of '{}' is not FROM..TO, such as @2026-01-01..2026-02-01", source));
    }
    out.from = window.substr(0, dots);
    out.to = window.substr(dots + 2);
    rest.resize(at);
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string::npos) {
    out.table = rest.substr(slash + 1);
    rest.resize(slash);
  }
  out.snapshot = rest;
  if (out.table != "events" && out.table != "items") {
    return InvalidArgument(
        fmt::format("'{}' names the table '{}'; there are: events, items", source, out.table));
  }
  if (out.table == "items" && !(out.from + out.to).empty()) {
    return InvalidArgument(fmt::format("'{}': a window is of events, not of items", source));
  }
  return out;
}

Result<std::string> WindowSql(const LakeSource& source) {
  std::string where = "true";
  for (const auto& [text, comparison] : {std::pair(source.from, ">="), std::pair(source.to, "<")}) {
    if (!text.empty()) {
      ASSIGN_OR_RETURN(const data::ParsedTime time, data::ParseTime(text));
      where += fmt::format(" AND ts {} {}", comparison, time.time.value);
    }
  }
  return where;
}

Result<std::string> LakeSql(Database& database, const std::string& text,
                            const std::string& data_dir, const std::string& copy) {
  ASSIGN_OR_RETURN(const LakeSource source, ParseLakeSource(text));
  ASSIGN_OR_RETURN(const std::string where, WindowSql(source));
  ASSIGN_OR_RETURN(const data::SnapshotManifest snapshot,
                   OpenDuckLake(data_dir, {})->Snapshot(source.snapshot));
  const std::string root = data_dir + "/lake";
  std::string view = "events";
  if (source.table == "items") {
    bool found = false;
    RETURN_IF_ERROR(MakeItemsView(database, root, snapshot, found));
    if (!found) {
      return NotFound(fmt::format("snapshot {} has no catalogue", snapshot.id));
    }
    view = "current_items";
  } else {
    RETURN_IF_ERROR(MakeEventsView(database, root, snapshot, true));
  }
  ASSIGN_OR_RETURN(const auto described,
                   database.QueryTexts(fmt::format("SELECT column_name FROM (DESCRIBE {})", view)));
  std::vector<std::string> columns;
  for (const auto& row : described) {
    if (std::find(kOfTheLake.begin(), kOfTheLake.end(), row[0]) == kOfTheLake.end()) {
      columns.push_back(Named(row[0]));
    }
  }
  RETURN_IF_ERROR(
      database.Execute(fmt::format("COPY (SELECT {} FROM {} WHERE {}) TO {} (FORMAT parquet)",
                                   fmt::join(columns, ", "), view, where, Quoted(copy))));
  return fmt::format("read_parquet({})", Quoted(copy));
}

}  // namespace

Result<std::string> FrameSql(Database& database, const std::string& source,
                             const std::string& data_dir, const std::string& copy) {
  return source.starts_with(kLake) ? LakeSql(database, source, data_dir, copy)
                                   : FileSql(database, source, copy);
}

}  // namespace vitrine::duckdb
