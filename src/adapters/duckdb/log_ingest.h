/// The server's log into raw parts of the lake.
#pragma once

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/lake_folder.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/lake.h"

namespace vitrine::duckdb {

/// data::Lake::Ingest on an open lake.
Result<data::LogIngested> IngestLog(const LakeFolder& folder, Database& database,
                                    const data::ReadLog& read, const Progress& progress);

}  // namespace vitrine::duckdb
