/// Builds snapshots: raw parts in, cleaned parts, quarantine, report and contract out.
#pragma once

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/lake_folder.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/lake.h"

namespace vitrine::duckdb {

/// Makes the next snapshot, whose parent is the newest one, in one commit.
/// Errors:  kFailedPrecondition (no parts; nothing is left after cleaning), kDataLoss (a raw part is
///          missing or differs), kInvalidArgument (a rule cannot work), kResourceExhausted,
///          kCancelled. The lake is as it was.
Result<data::CleanOutcome> MakeSnapshot(const LakeFolder& folder, Database& database,
                                        const data::CleanRequest& request,
                                        const Progress& progress);

}  // namespace vitrine::duckdb
