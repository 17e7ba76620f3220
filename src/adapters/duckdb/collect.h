/// Garbage of the lake: snapshots that nothing needs, and the parts that only they had.
#pragma once

#include "adapters/duckdb/lake_folder.h"
#include "core/status.h"
#include "data/lake.h"

namespace vitrine::duckdb {

/// The manifest stops naming them in one rename; files go afterwards, by the sweep that every writer begins with, so that a
/// death in between costs nothing but the time until the next one. `folder` is open to write where `request.remove`.
/// Errors: kDataLoss (a snapshot cannot be read: nothing goes, since it may share any part), those of LakeFolder.
Result<data::Collected> CollectSnapshots(const LakeFolder& folder,
                                         const data::CollectRequest& request);

}  // namespace vitrine::duckdb
