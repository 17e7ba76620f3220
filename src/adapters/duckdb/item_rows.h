/// Catalogue rows of a snapshot as values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/duckdb/database.h"
#include "core/catalogue.h"
#include "core/status.h"
#include "data/snapshot_manifest.h"

namespace vitrine::duckdb {

/// The newest row of every item, sorted by id; deleted items are hidden. Empty without a catalogue.
/// Errors: kDataLoss (a part differs), and those of Database::Query.
Result<std::vector<Item>> ReadCurrentItems(Database& database, const std::string& lake_root,
                                           const data::SnapshotManifest& manifest);

}  // namespace vitrine::duckdb
