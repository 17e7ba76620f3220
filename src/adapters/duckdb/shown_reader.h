/// data::ShownReader over Parquet by DuckDB.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "adapters/duckdb/database.h"
#include "core/event.h"
#include "core/status.h"
#include "data/shown_reader.h"

namespace vitrine::duckdb {

/// Threads: one call at a time. Each read opens a DuckDB of its own and closes it before it returns.
class ParquetShownReader final : public data::ShownReader {
 public:
  explicit ParquetShownReader(DatabaseOptions options) : options_(std::move(options)) {}

  Result<data::ShownLog> ReadShown(const std::string& snapshot_dir,
                                   const std::set<EventType>& events,
                                   const Progress& progress) override;

 private:
  DatabaseOptions options_;
};

}  // namespace vitrine::duckdb
