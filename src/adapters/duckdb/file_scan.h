/// One pass over an input file before it is read: its hash, and whether a reader with bounded
/// memory can take it. DuckDB skips a line above its limit without a word; this pass does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/progress.h"
#include "core/status.h"
#include "data/mapping.h"

namespace vitrine::duckdb {

struct FileScan {
  std::string sha256;            ///< of the file as it lies there, compressed or not
  std::uint64_t bytes = 0;       ///< of the file
  std::uint64_t text_bytes = 0;  ///< after decompression
  std::uint64_t records = 0;     ///< text formats: lines, or quoted records over several lines
};

/// Reads the file once, in pieces of 64 KiB.
/// Errors: kNotFound, kUnavailable (cannot be read), kFailedPrecondition: the file is empty, is
///         UTF-16, holds a NUL byte, is a damaged .gz, or has a record above the source's
///         max_line_bytes (names the line and the setting); kCancelled.
Result<FileScan> ScanFile(const std::string& path, const data::Source& source,
                          const Progress& progress);

}  // namespace vitrine::duckdb
