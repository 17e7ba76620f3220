/// What a file offers before it is read: its columns, and how it writes its times.
#pragma once

#include <string>
#include <vector>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/field_sql.h"
#include "core/status.h"
#include "data/lake_manifest.h"
#include "data/mapping.h"

namespace vitrine::duckdb {

/// Errors: kFailedPrecondition (the header cannot be read: says why).
Result<FileColumns> ReadFileColumns(Database& database, const data::Source& source,
                                    const std::string& path);

/// The source's time with kAuto resolved from the file's first values.
/// `description` says what was taken. Errors: kInvalidArgument (not to be told; names the cure).
Result<data::TimeBinding> ResolveTime(Database& database, const data::Source& source,
                                      const std::string& path, const FileColumns& columns,
                                      std::string& description);

/// Names and types for the schema's comparison between imports. Text formats have no types: what the
/// first rows look like is taken, "number", "time" or "text"; none where it is not clear, or empty.
std::vector<data::SourceColumn> SchemaOf(Database& database, const data::Source& source,
                                         const std::string& path, const FileColumns& columns);

/// The files of `paths` that a source of the mapping takes, a folder's in name order.
struct FileForSource {
  std::string path;
  const data::Source* source = nullptr;
};
/// Errors: kNotFound (no such path, or nothing in it that the mapping takes: names the patterns).
Result<std::vector<FileForSource>> MatchFiles(const std::vector<std::string>& paths,
                                              const data::Mapping& mapping);

}  // namespace vitrine::duckdb
