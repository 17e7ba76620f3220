/// The registry: which versions exist, which of them serves, and why.
/// Promotion and rollback move aliases in one transaction with their audit entry; the server sees
/// the move through `Aliases()` and swaps what it serves.
/// Threads: every method from any thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "registry/garbage.h"
#include "registry/ports.h"

namespace vitrine::registry {

/// Who does something and why; written to the audit log. `evidence` is JSON.
struct Cause {
  std::string actor;
  std::string evidence = "{}";
};

class Registry {
 public:
  /// Both outlive the registry.
  Registry(RegistryStore& store, ArtifactStore& artifacts) : store_(store), artifacts_(artifacts) {}

  /// Puts a probed artifact folder into the store and gives it a number.
  /// Precondition: `probe` is the passing report of the probe that ran on this very folder.
  /// Errors: kInvalidArgument (name), kAlreadyExists, those of ArtifactStore::Put.
  Result<ModelVersion> Register(const std::string& folder, const Manifest& manifest,
                                std::string report, std::string probe, const Cause& cause);

  /// champion = `ref`, previous = the champion before. Promoting the champion again changes nothing.
  Status Promote(const VersionRef& ref, const Cause& cause);

  /// champion and previous change places. Returns the version that serves now.
  /// Errors: kFailedPrecondition (no previous version).
  Result<VersionRef> Rollback(const Cause& cause);

  Status SetAlias(std::string_view alias, const VersionRef& ref, const Cause& cause);

  Result<ModelVersion> Get(const VersionRef& ref) const { return store_.GetVersion(ref); }
  /// "name:number" or an alias.
  Result<ModelVersion> Find(std::string_view ref_or_alias) const;
  Result<std::vector<ModelVersion>> List(std::string_view name, std::string_view cursor,
                                         std::size_t limit) const {
    return store_.ListVersions(name, cursor, limit);
  }
  Result<std::map<std::string, VersionRef>> Aliases() const { return store_.Aliases(); }
  /// Folder of a version's artifact. Errors: kNotFound (its files were collected, or are lost).
  Result<std::string> ArtifactPath(const ModelVersion& version) const;

  /// Removes artifacts that nothing needs; `used` says what others need now, and is asked when no version can be registered and
  /// no alias moved until they are gone. What goes is in the audit log before it goes. `remove` false: only says what would.
  /// Errors: those of `used`, of the store and of the artifacts' (some may be gone then).
  Result<Garbage> Collect(KeepRule rule, const std::function<Result<std::set<std::string>>()>& used,
                          bool remove, const Cause& cause);
  Result<std::vector<AuditEntry>> Audit(std::uint64_t before, std::size_t limit) const {
    return store_.ListAudit(before, limit);
  }

 private:
  Result<Garbage> RemoveGarbage(KeepRule rule,
                                const std::function<Result<std::set<std::string>>()>& used,
                                bool remove, const Cause& cause);

  RegistryStore& store_;
  ArtifactStore& artifacts_;
  /// Shared by whoever makes an artifact needed, held alone by who removes some.
  std::shared_mutex needs_;
};

}  // namespace vitrine::registry
