#include "adapters/duckdb/file_columns.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/source_sql.h"
#include "data/time_notation.h"

namespace vitrine::duckdb {
namespace {

namespace fs = std::filesystem;
using data::FileFormat;
using data::Source;

constexpr int kSampleRows = 1000;

/// The first line of what DuckDB says; the rest of its advice names options that we do not have.
std::string FirstLine(const std::string& message) { return message.substr(0, message.find('\n')); }

Result<FileColumns> ReadCsvColumns(Database& database, const Source& source,
                                   const std::string& path) {
  // A one-column reading of the header line, split by the reader itself: the file's rows may be
  // broken, its header may not.
  const auto described =
      database.QueryTexts(fmt::format("SELECT column_name FROM (DESCRIBE SELECT * FROM {})",
                                      ReaderSql(source, path, {}, fmt::format("rejects_{}", 0))));
  if (!described.ok()) {
    return FailedPrecondition(fmt::format(
        "the header of {} cannot be read with delimiter '{}' and quote '{}': {}. Set delimiter and "
        "quote of this source in the mapping",
        path, source.delimiter == "\t" ? "\\t" : source.delimiter, source.quote,
        FirstLine(described.status().message())));
  }
  FileColumns out;
  for (const auto& row : *described) {
    out.columns.push_back(row[0]);
    const std::size_t colon = source.typed_header ? row[0].find(':') : std::string::npos;
    out.names.push_back(row[0].substr(0, colon));
    out.types.push_back(colon == std::string::npos ? "" : row[0].substr(colon + 1));
  }
  return out;
}

Result<FileColumns> ReadParquetColumns(Database& database, const std::string& path) {
  const auto described = database.QueryTexts(
      fmt::format("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet({}))",
                  Quoted(path)));
  if (!described.ok()) {
    return FailedPrecondition(fmt::format("{} is not a Parquet file that can be read: {}", path,
                                          FirstLine(described.status().message())));
  }
  FileColumns out;
  for (const auto& row : *described) {
    out.columns.push_back(row[0]);
    out.names.push_back(row[0]);
    out.types.push_back(row[1]);
  }
  return out;
}

Result<FileColumns> ReadJsonColumns(Database& database, const Source& source,
                                    const std::string& path) {
  ASSIGN_OR_RETURN(const auto keys,
                   database.QueryTexts(fmt::format(
                       "SELECT DISTINCT unnest(json_keys(line)) AS k FROM (SELECT trim(line) AS "
                       "line FROM {} LIMIT "
                       "{}) WHERE json_valid(line) AND starts_with(line, '{{') ORDER BY k",
                       ReaderSql(source, path, {}, ""), kSampleRows)));
  FileColumns out;
  out.json = true;
  for (const auto& row : keys) {
    out.names.push_back(row[0]);
    out.columns.push_back(row[0]);
    out.types.emplace_back("json");
  }
  if (out.names.empty()) {
    return FailedPrecondition(fmt::format(
        "the first {} lines of {} hold no JSON object; is it JSON lines (an object a line)?",
        kSampleRows, path));
  }
  return out;
}

}  // namespace

Result<FileColumns> ReadFileColumns(Database& database, const Source& source,
                                    const std::string& path) {
  switch (source.format) {
    case FileFormat::kCsv:
    case FileFormat::kTsv:
      return ReadCsvColumns(database, source, path);
    case FileFormat::kParquet:
      return ReadParquetColumns(database, path);
    case FileFormat::kJsonl:
      return ReadJsonColumns(database, source, path);
    case FileFormat::kSequences:
      break;
  }
  return FileColumns{};
}

Result<data::TimeBinding> ResolveTime(Database& database, const Source& source,
                                      const std::string& path, const FileColumns& columns,
                                      std::string& description) {
  data::TimeBinding time = source.time;
  if (time.notation == data::TimeNotation::kSequence) {
    description = "none: the order of the rows";
    return time;
  }
  const FieldSql fields(path, columns);
  ASSIGN_OR_RETURN(const std::string text, fields.Text("ts", time.field));
  if (time.field.columns.empty() || text == "NULL::VARCHAR") {
    time.field = {};
    time.notation = data::TimeNotation::kIso8601;
    return time;
  }
  if (time.notation != data::TimeNotation::kAuto) {
    description = fmt::format("{}{} as the mapping says", data::TimeNotationName(time.notation),
                              time.pattern.empty() ? "" : " " + time.pattern);
    return time;
  }
  SourceInput input;
  input.path = path;
  input.columns = columns;
  input.rejects = "rejects_0";
  ASSIGN_OR_RETURN(const auto rows, database.QueryTexts(fmt::format(
                                        "SELECT t FROM (SELECT {} AS t FROM ({}) LIMIT {}) WHERE t "
                                        "IS NOT NULL",
                                        text, NumberedRowsSql(source, input), kSampleRows)));
  std::vector<std::string> values;
  for (const auto& row : rows) {
    values.push_back(row[0]);
  }
  const Result<data::FoundNotation> found = data::FindTimeNotation(values, time.zone);
  if (!found.ok()) {
    return InvalidArgument(fmt::format("{}, column {}: {}", path,
                                       fmt::join(time.field.columns, " or "),
                                       found.status().message()));
  }
  time.notation = found->notation;
  time.pattern = found->pattern;
  description = found->description;
  return time;
}

namespace {

constexpr int kTypedRows = 2000;
/// Between the two shares nobody can say what a column is.
constexpr double kIs = 0.9, kIsNot = 0.5;

std::string LooksLike(double there, double numbers, double times) {
  if (there == 0) {
    return "";
  }
  if (numbers >= kIs * there) {
    return "number";
  }
  if (times >= kIs * there) {
    return "time";
  }
  return numbers <= kIsNot * there && times <= kIsNot * there ? "text" : "";
}

}  // namespace

std::vector<data::SourceColumn> SchemaOf(Database& database, const Source& source,
                                         const std::string& path, const FileColumns& columns) {
  std::vector<data::SourceColumn> out;
  for (std::size_t i = 0; i < columns.names.size(); ++i) {
    out.push_back({columns.names[i], columns.types[i]});
  }
  const bool text = source.format == FileFormat::kCsv || source.format == FileFormat::kTsv;
  if (!text || source.typed_header || out.empty()) {
    return out;
  }
  std::string select;
  for (const std::string& column : columns.columns) {
    const std::string value = fmt::format("nullif(trim({}), '')", Named(column));
    select += fmt::format(
        "{0}count({1}), count(TRY_CAST({1} AS DOUBLE)), count(TRY_CAST({1} AS TIMESTAMP))",
        select.empty() ? "" : ", ", value);
  }
  const auto counts = database.QueryTexts(
      fmt::format("SELECT {} FROM (SELECT * FROM {} LIMIT {})", select,
                  ReaderSql(source, path, columns.columns, "rejects_0"), kTypedRows));
  if (!counts.ok() || counts->empty()) {
    return out;  // a file that cannot be read is said to be so by who reads it
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto number = [&](std::size_t at) { return std::stod((*counts)[0].at(3 * i + at)); };
    out[i].type = LooksLike(number(0), number(1), number(2));
  }
  return out;
}

namespace {

bool Takes(const Source& source, const std::string& name) {
  return source.files.empty() ||
         std::any_of(source.files.begin(), source.files.end(), [&](const std::string& pattern) {
           return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
         });
}

/// The first source of each table that takes the file.
void AddFile(const fs::path& file, const data::Mapping& mapping, std::vector<FileForSource>& out) {
  std::set<data::TableKind> tables;
  for (const Source& source : mapping.sources) {
    if (!tables.contains(source.table) && Takes(source, file.filename().string())) {
      tables.insert(source.table);
      out.push_back({file.string(), &source});
    }
  }
}

std::vector<std::string> Patterns(const data::Mapping& mapping) {
  std::vector<std::string> out;
  for (const Source& source : mapping.sources) {
    for (const std::string& pattern : source.files) {
      if (std::find(out.begin(), out.end(), pattern) == out.end()) {
        out.push_back(pattern);
      }
    }
  }
  return out;
}

}  // namespace

Result<std::vector<FileForSource>> MatchFiles(const std::vector<std::string>& paths,
                                              const data::Mapping& mapping) {
  std::vector<FileForSource> out;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(path, error)) {
        if (entry.is_regular_file()) {
          files.push_back(entry.path());
        }
      }
      std::sort(files.begin(), files.end());
      for (const fs::path& file : files) {
        AddFile(file, mapping, out);
      }
    } else if (fs::exists(path, error)) {
      const std::size_t before = out.size();
      AddFile(path, mapping, out);
      if (out.size() == before && mapping.sources.size() == 1) {
        out.push_back({path, &mapping.sources.front()});  // the user named it: the name may differ
      }
    } else {
      return NotFound(fmt::format("there is no {}", path));
    }
  }
  if (out.empty()) {
    return NotFound(fmt::format("{} holds no file that mapping '{}' takes; it takes {}",
                                fmt::join(paths, ", "), mapping.name,
                                fmt::join(Patterns(mapping), ", ")));
  }
  for (const Source& source : mapping.sources) {
    const bool found = std::any_of(out.begin(), out.end(), [&](const FileForSource& file) {
      return file.source->table == source.table;
    });
    if (!found && !source.optional && fs::is_directory(paths.front())) {
      return NotFound(fmt::format("{} holds no {} file; mapping '{}' takes {}",
                                  fmt::join(paths, ", "), data::TableKindName(source.table),
                                  mapping.name, fmt::join(source.files, ", ")));
    }
  }
  return out;
}

}  // namespace vitrine::duckdb
