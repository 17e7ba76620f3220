/// Measures cleaned rows: totals of a snapshot, and its contract.
#pragma once

#include <string>
#include <vector>

#include "adapters/duckdb/database.h"
#include "core/status.h"
#include "data/contract.h"
#include "data/snapshot_manifest.h"

namespace vitrine::duckdb {

/// Fills the manifest's counts and window from its cleaned parts. `net_rows` is after returns,
/// replacements, identities and erasures.
Status MeasureSnapshot(Database& database, const std::string& lake_root,
                       data::SnapshotManifest& manifest, std::uint64_t& net_rows);

/// The contract of these cleaned files; without the sources' columns.
Result<data::Contract> MeasureContract(Database& database, const std::vector<std::string>& files);

}  // namespace vitrine::duckdb
