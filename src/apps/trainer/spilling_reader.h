/// A snapshot reader that keeps within a memory limit.
#pragma once

#include <cstdint>
#include <string>

#include "adapters/duckdb/shown_reader.h"
#include "adapters/duckdb/snapshot_reader.h"

namespace vitrine::apps {

/// DuckDB's part of a memory limit, 0 for none; what does not fit is spilled to `folder`.
duckdb::DatabaseOptions SpillingTo(const std::string& folder, std::uint64_t memory_limit_mb);

/// Reads snapshots within half of the limit; what does not fit is spilled beside `out` and removed.
class SpillingReader {
 public:
  SpillingReader(const std::string& out, std::uint64_t memory_limit_mb);
  ~SpillingReader();
  SpillingReader(const SpillingReader&) = delete;
  SpillingReader& operator=(const SpillingReader&) = delete;
  data::SnapshotReader& get() { return reader_; }
  data::ShownReader& shown() { return shown_; }

 private:
  std::string spill_;
  duckdb::ParquetSnapshotReader reader_;
  duckdb::ParquetShownReader shown_;
};

}  // namespace vitrine::apps
