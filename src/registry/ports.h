/// What the registry needs from the outside: a transactional store and a place for artifacts.
/// Embedded: adapters/sqlite and adapters/files. For tests: adapters/memory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "registry/model_version.h"

namespace vitrine::registry {

/// One line of the audit log. `hash` = sha256(previous hash, every other field): a changed or
/// missing line breaks the chain.
struct AuditEntry {
  std::uint64_t number = 0;  ///< 1, 2, 3, ... without gaps
  Micros time;
  std::string actor;     ///< key name, "cli", "loop"
  std::string action;    ///< "promote", "rollback", "register", "key.create", ...
  std::string subject;   ///< what it was done to
  std::string evidence;  ///< JSON: why
  std::string hash;
};

/// An alias moves as one transaction together with its audit entry.
struct AliasMove {
  std::string alias;
  std::optional<VersionRef> to;  ///< none: the alias goes away
};

/// Threads: every method from any thread.
class RegistryStore {
 public:
  virtual ~RegistryStore() = default;

  /// Gives the next number of `version.ref.name` and writes the version with its audit entry.
  /// The same artifact under the same name again: kAlreadyExists naming the version that has it.
  virtual Result<ModelVersion> CreateVersion(ModelVersion version, AuditEntry why) = 0;
  virtual Result<ModelVersion> GetVersion(const VersionRef& ref) const = 0;
  /// Newest first; `name` empty for all; `cursor` is the last ref of the page before.
  virtual Result<std::vector<ModelVersion>> ListVersions(std::string_view name,
                                                         std::string_view cursor,
                                                         std::size_t limit) const = 0;

  virtual Result<std::map<std::string, VersionRef>> Aliases() const = 0;
  /// All or nothing. Errors: kNotFound (a version that does not exist), kAborted (an alias is no
  /// longer what `expected` says: somebody else moved it).
  virtual Status MoveAliases(const std::vector<AliasMove>& moves,
                             const std::map<std::string, std::optional<VersionRef>>& expected,
                             AuditEntry why) = 0;

  /// Appends; number and hash are filled in.
  virtual Status AppendAudit(AuditEntry entry) = 0;
  /// Newest first, numbers below `before` (0: from the newest).
  virtual Result<std::vector<AuditEntry>> ListAudit(std::uint64_t before,
                                                    std::size_t limit) const = 0;
  /// kDataLoss naming the first entry whose hash does not fit.
  virtual Status VerifyAudit() const = 0;
};

struct StoredArtifact {
  std::string hash;
  std::uint64_t bytes = 0;
  Micros stored;  ///< when it was put, the last time
};

/// Immutable folders by content hash.
class ArtifactStore {
 public:
  virtual ~ArtifactStore() = default;
  /// Moves (same file system) or copies the folder in, durably, and returns its hash (that of
  /// manifest.json). Putting it twice is the same as once.
  /// Errors: kInvalidArgument (no manifest.json), kDataLoss, kResourceExhausted (disk full).
  virtual Result<std::string> Put(const std::string& folder) = 0;
  /// Where the folder lies. Errors: kNotFound.
  virtual Result<std::string> Path(std::string_view hash) const = 0;
  /// All, in any order. Errors: kUnavailable.
  virtual Result<std::vector<StoredArtifact>> List() const = 0;
  /// From then on it is not there: quick, and whole until then, whatever dies on the way. Removing what is not there
  /// changes nothing. Errors: kUnavailable.
  virtual Status Remove(std::string_view hash) = 0;
  /// Gives the space of what was removed back, and of what dead processes left. Errors: kUnavailable.
  virtual Status Purge() = 0;
};

struct ApiKey {
  std::string id;  ///< public, 12 hex digits
  std::string name;
  std::string hash;   ///< sha256 of the secret
  std::string scope;  ///< "ingest", "serve", "operate", "admin"
  Micros created;
  Micros expires;  ///< 0 never
  Micros last_used;
  bool revoked = false;
};

class KeyStore {
 public:
  virtual ~KeyStore() = default;
  virtual Status CreateKey(const ApiKey& key, AuditEntry why) = 0;
  virtual Result<std::vector<ApiKey>> ListKeys() const = 0;
  virtual Result<std::optional<ApiKey>> FindKeyByHash(std::string_view hash) const = 0;
  virtual Status RevokeKey(std::string_view id, AuditEntry why) = 0;
};

/// Chain hash of an entry (its own `hash` field is not read).
std::string AuditHash(std::string_view previous_hash, const AuditEntry& entry);

}  // namespace vitrine::registry
