/// What the server loads after an import: user states and the current catalogue, as JSON lines.
#pragma once

#include <cstdint>
#include <string>

#include "adapters/duckdb/database.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/snapshot_manifest.h"

namespace vitrine::duckdb {

/// A line a subject: data::Lake::WriteStates says its shape. Returns how many.
Result<std::uint64_t> WriteStates(const DatabaseOptions& options, const std::string& snapshot_dir,
                                  const std::string& path, const Progress& progress);

/// A line an item, in the words of POST /v1/items.
Result<std::uint64_t> WriteCatalogue(const DatabaseOptions& options, const std::string& lake_root,
                                     const data::SnapshotManifest& manifest,
                                     const std::string& path, const Progress& progress);

}  // namespace vitrine::duckdb
