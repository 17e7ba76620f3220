/// Compares the lake's rows with another system's export, by DuckDB.
#pragma once

#include <string>

#include "core/progress.h"
#include "core/status.h"
#include "data/reconcile_source.h"
#include "data/reconciliation.h"

namespace vitrine::duckdb {

struct ReconcileOptions {
  std::size_t memory_limit_mb = 512;
  int threads = 0;
  std::string data_dir;
  /// Event times of both sides; 0: the days that the export has.
  Micros from, until;
};

/// Ours are the raw rows of the event that were taken, an event_id once.
/// Errors: kNotFound (no lake, no file), kFailedPrecondition (no row of theirs can be read or lies in
///         the range), kInvalidArgument (a column that the export lacks), those of Database::Query.
Result<data::Reconciliation> Reconcile(const data::ReconcileSource& source,
                                       const ReconcileOptions& options, const Progress& progress);

}  // namespace vitrine::duckdb
