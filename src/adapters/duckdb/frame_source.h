/// Where the rows of a frame come from, as one Parquet reading.
#pragma once

#include <string>

#include "adapters/duckdb/database.h"
#include "core/status.h"

namespace vitrine::duckdb {

/// SQL to select from, for the source's text (see duck_frame_pair.h). What is no Parquet file is
/// written to `copy` first. Errors: OpenFramePair's.
Result<std::string> FrameSql(Database& database, const std::string& source,
                             const std::string& data_dir, const std::string& copy);

}  // namespace vitrine::duckdb
