/// monitor::FramePair over Parquet and CSV files and over snapshots of the lake, by DuckDB.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "monitor/offline/frame_pair.h"

namespace vitrine::duckdb {

struct FramePairOptions {
  std::size_t memory_limit_mb = 512;  ///< of DuckDB
  int threads = 0;                    ///< 0: as many as there are cores
  std::string data_dir;               ///< of the lake that "lake:" names
  std::vector<std::string> columns;   ///< only these; empty: all that both have
  std::vector<std::string> words;     ///< numbers that are names: compared by levels
  std::vector<std::string> texts;     ///< words that are texts: compared by n-grams
  /// A number column is sorted in memory up to this many rows a side, on disk beyond it.
  std::size_t rows_in_memory = 4'000'000;
};

/// A source is
///   PATH                          a .parquet, .csv or .tsv file (.gz too), or a pattern with * of such
///   lake:[ID][/TABLE][@FROM..TO]  a snapshot (the newest where ID is left out); TABLE is events
///                                 (the default) or items; the window is of the events' times, ISO
///                                 8601, FROM counts and TO does not, either may be left out
/// What is no Parquet file is copied into one first, in a folder of its own below the system's
/// temporary one, which goes with the pair.
/// Errors: kNotFound (no such file or snapshot), kInvalidArgument (not a source; a file cannot be
///         read; a column has two kinds; an option names no column; no column in common; no row),
///         and FramePair's.
Result<std::unique_ptr<monitor::FramePair>> OpenFramePair(const std::string& reference,
                                                          const std::string& current,
                                                          const FramePairOptions& options,
                                                          const Progress& progress);

}  // namespace vitrine::duckdb
