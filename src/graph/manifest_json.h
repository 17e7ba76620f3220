/// manifest.json: core's Manifest as text.
#pragma once

#include <string>
#include <string_view>

#include "core/artifact.h"
#include "core/status.h"

namespace vitrine::graph {

/// The newest format this build writes and reads.
inline constexpr int kManifestFormat = 1;

/// Indented JSON, keys in a fixed order, so that equal manifests have equal hashes.
/// Precondition: numbers are finite.
std::string ManifestToJson(const Manifest& manifest);

/// Errors: kInvalidArgument (names the field), kFailedPrecondition (written by a newer Vitrine).
Result<Manifest> ParseManifest(std::string_view json);

}  // namespace vitrine::graph
