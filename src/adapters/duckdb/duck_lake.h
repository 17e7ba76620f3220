/// data::Lake over Parquet by DuckDB, in DIR/lake of one data directory.
#pragma once

#include <memory>
#include <string>

#include "adapters/duckdb/database.h"
#include "data/lake.h"

namespace vitrine::duckdb {

struct LakeOptions {
  std::size_t memory_limit_mb = 512;  ///< of DuckDB; the process needs about 200 MB more
  int threads = 0;                    ///< 0: as many as there are cores
};

/// Opens nothing yet: each call takes the writer's lock (where it writes) and a DuckDB of its own.
std::unique_ptr<data::Lake> OpenDuckLake(const std::string& data_dir, const LakeOptions& options);

}  // namespace vitrine::duckdb
