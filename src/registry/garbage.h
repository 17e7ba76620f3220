/// Which artifacts nothing needs any more. Versions stay in the registry for good: their numbers, figures and reasons
/// are history; what goes is their files.
/// Threads: pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/time.h"
#include "registry/ports.h"

namespace vitrine::registry {

/// What stays.
struct KeepRule {
  std::size_t newest = 10;     ///< versions of each name
  Micros before;               ///< whatever was made since then stays
  std::set<std::string> used;  ///< "name:number": loaded, or in a rollout
};

struct Garbage {
  std::vector<ModelVersion> versions;  ///< whose files go, in the order of their refs
  /// The artifacts that go: those versions', and such that are no version's (a registration that a crash cut off).
  std::vector<StoredArtifact> artifacts;
  /// Hashes of what the versions that stay were fitted on.
  std::set<std::string> snapshots;
};

/// An artifact stays while one version needs it: one that an alias or `rule.used` names, one of the newest of its name, one that
/// is young; and the parents of these, whose weights and figures the next training starts from. `versions`: all, in any
/// order.
Garbage FindGarbage(const std::vector<ModelVersion>& versions,
                    const std::map<std::string, VersionRef>& aliases,
                    const std::vector<StoredArtifact>& stored, const KeepRule& rule);

}  // namespace vitrine::registry
