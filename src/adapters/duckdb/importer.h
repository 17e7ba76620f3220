/// Reads files by a mapping straight into raw parts of the lake, or only checks them.
#pragma once

#include <optional>
#include <string>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/lake_folder.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/contract.h"
#include "data/lake.h"

namespace vitrine::duckdb {

/// Adds the files' rows to the lake in one commit: all files or none.
/// A file that is there already under the same mapping is left alone; under another mapping it is
/// replaced. Rejected rows are counted with samples and kept in the part with their reason.
/// Errors:  kNotFound (no such path, no file of the mapping's names in it), kInvalidArgument (the
///          mapping does not fit the file), kFailedPrecondition (an empty or broken file, no row
///          accepted), kResourceExhausted, kCancelled. The lake is as it was.
Result<data::ImportReport> ImportFiles(const LakeFolder& folder, Database& database,
                                       const data::ImportRequest& input, const Progress& progress);

/// The same without a lake: nothing is kept. `scratch` is a folder for temporary files, which the
/// caller removes. With a contract, the report says how the files differ from it.
Result<data::ImportReport> CheckFiles(const std::string& scratch, Database& database,
                                      const data::ImportRequest& input,
                                      const std::optional<data::Contract>& contract,
                                      const Progress& progress);

}  // namespace vitrine::duckdb
