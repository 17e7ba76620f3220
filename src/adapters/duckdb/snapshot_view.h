/// The events of a snapshot as they count: cleaned parts with returns, replacements, identities and
/// erasures applied. Used by everything that reads a snapshot.
#pragma once

#include <string>
#include <vector>

#include "adapters/duckdb/database.h"
#include "core/status.h"
#include "data/snapshot_manifest.h"

namespace vitrine::duckdb {

/// Makes the view `events` over the snapshot's parts below `lake_root`: the columns of a cleaned row
/// with `subject` (who acted, identities applied) and `k` (the order of the rows). A purchase whose
/// order and item were returned is not in it, nor is a replaced event.
/// `check_hashes` compares every part with its hash first.
/// Errors: kDataLoss (a part is missing or differs), and those of Database::Query.
Status MakeEventsView(Database& database, const std::string& lake_root,
                      const data::SnapshotManifest& manifest, bool check_hashes);

/// Makes the view `facts`: the same columns and order with identities applied, and nothing taken back;
/// and the view `shown`, a row a place of an answer: part, row, line, k, answer (what the rows of one
/// answer share), request_id, subject, ts, scene, model, item_id, place (null: not said), score, source.
/// Of an answer that the log has twice, the newer one. `found` says whether the snapshot has any answer.
/// Checks hashes. Errors: as above.
Status MakeShownViews(Database& database, const std::string& lake_root,
                      const data::SnapshotManifest& manifest, bool& found);

/// Makes the view `current_items`: the newest row of each item; `deleted` items are in it.
/// Errors: as above. `found` says whether the snapshot has a catalogue at all.
Status MakeItemsView(Database& database, const std::string& lake_root,
                     const data::SnapshotManifest& manifest, bool& found);

/// Makes the view `current_users`: the newest row of each user of the table of users.
/// Errors, `found`: as above.
Status MakeUsersView(Database& database, const std::string& lake_root,
                     const data::SnapshotManifest& manifest, bool& found);

}  // namespace vitrine::duckdb
