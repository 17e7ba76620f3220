/// A source of a mapping and one of its files as one SELECT, whose rows are the raw rows of the
/// lake. parts.h lists their columns.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "adapters/duckdb/field_sql.h"
#include "core/status.h"
#include "core/time.h"
#include "data/mapping.h"

namespace vitrine::duckdb {

/// What the statement needs beside the source.
struct SourceInput {
  std::string path;
  std::string sha256;  ///< of the file: makes its rows' event ids
  FileColumns columns;
  data::TimeBinding time;     ///< as found: never kAuto
  std::int64_t part = 0;      ///< number of the part that the rows go to
  Micros default_valid_from;  ///< of catalogue rows without a time
  std::string rejects;        ///< names the tables of broken CSV rows: <rejects>, <rejects>_scan
  const std::map<std::string, std::string, std::less<>>* event_names = nullptr;
};

/// FROM clause that gives the file's columns (text formats: all VARCHAR; JSON lines: `line`).
/// `header` empty lets the reader take the names from the file.
std::string ReaderSql(const data::Source& source, const std::string& path,
                      const std::vector<std::string>& header, const std::string& rejects);

/// Errors: kInvalidArgument (a column that the file does not have, a path that is none).
Result<std::string> EventsSql(const data::Source& source, const SourceInput& input);
Result<std::string> CatalogueSql(const data::Source& source, const SourceInput& input);

/// What may be wrong with a raw row: a condition, and the reason as a text expression.
struct Check {
  std::string fails;
  std::string reason;
};
Check NumberCheck(const std::string& field);
/// The reason of the first check that fails, or NULL; `ids` are checked for length and control
/// characters as well.
std::string FirstFailedCheck(std::vector<Check> checks, const std::vector<std::string>& ids);

/// `row`, the file's columns, and for JSON lines `j` (NULL where the line is no JSON) and `line`.
std::string NumberedRowsSql(const data::Source& source, const SourceInput& input);

/// AND of a source's `where`; "true" where it has none.
Result<std::string> WhereSql(const data::Source& source, const FieldSql& fields);

}  // namespace vitrine::duckdb
