/// data::SnapshotReader over Parquet by DuckDB.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "adapters/duckdb/database.h"
#include "core/status.h"
#include "data/snapshot_reader.h"

namespace vitrine::duckdb {

/// Threads: one call at a time. Each read opens a DuckDB of its own and closes it before it returns,
/// so that its memory is free while a model trains.
class ParquetSnapshotReader final : public data::SnapshotReader {
 public:
  explicit ParquetSnapshotReader(DatabaseOptions options) : options_(std::move(options)) {}

  Result<data::Interactions> ReadInteractions(const std::string& snapshot_dir,
                                              const std::set<EventType>& types,
                                              const Progress& progress) override;
  Result<data::ItemTable> ReadItems(const std::string& snapshot_dir,
                                    data::Interactions& interactions) override;
  Result<data::UserTable> ReadUsers(const std::string& snapshot_dir,
                                    const data::Interactions& interactions) override;

 private:
  DatabaseOptions options_;
};

}  // namespace vitrine::duckdb
