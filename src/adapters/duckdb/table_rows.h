/// Labelled rows of a table: one CSV, TSV or Parquet file, a row a case, one column the label.
#pragma once

#include <string>
#include <vector>

#include "adapters/duckdb/database.h"
#include "core/progress.h"
#include "core/status.h"
#include "evaluate/labelled_set.h"
#include "evaluate/protocol.h"

namespace vitrine::duckdb {

struct TableSource {
  std::string path;   ///< *.parquet, or delimited text with a header line (may be .gz)
  std::string label;  ///< the column that says 0 or 1, true or false
  std::vector<std::string> leave_out;  ///< columns that are not read
};

/// The rows in the file's order, parted by the protocol. Columns become a row's context: numbers as
/// numbers, true and false as such, everything else as text; an empty cell is absent. The set's snapshot is
/// the file's SHA-256.
/// Errors: kNotFound (no such file), kInvalidArgument (no such column, with the nearest; a label that is
///         neither 0 nor 1: names row and column; DuckDB's own), kFailedPrecondition (CheckParts).
Result<evaluate::LabelledSet> ReadLabelledTable(const TableSource& source,
                                                const evaluate::Protocol& protocol,
                                                const DatabaseOptions& options,
                                                const Progress& progress);

}  // namespace vitrine::duckdb
