/// Reads the description of an export that our rows are compared with.
#pragma once

#include <string>

#include "core/status.h"
#include "data/reconcile_source.h"

namespace vitrine::adapters {

/// Paths in it are relative to the file.
/// Errors: kNotFound (no such file), kInvalidArgument (not TOML, an unknown key, a wrong value; with
///         line and column).
Result<data::ReconcileSource> LoadReconcileSource(const std::string& path);

}  // namespace vitrine::adapters
