/// Port: where rollouts are kept, together with the aliases that they move and the audit log.
/// Embedded: adapters/sqlite, in the registry's file; for tests: adapters/memory. tests/contract holds both to
/// one suite.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "registry/ports.h"
#include "rollout/rollout.h"

namespace vitrine::rollout {

/// One step of a rollout: a kill at any point leaves all of it or nothing.
struct RolloutChange {
  Rollout to;  ///< with the revision that it had; the store counts it up
  std::vector<registry::AliasMove> moves;
  std::map<std::string, std::optional<registry::VersionRef>>
      expected;  ///< what the aliases are now
  registry::AuditEntry why;
};

/// Threads: every method from any thread.
class RolloutStore {
 public:
  virtual ~RolloutStore() = default;

  /// Gives it its id and revision 1, and writes it with its audit entry, whose subject becomes the id.
  /// Errors: kAlreadyExists (a rollout of this alias goes on, or its job began one already: names it), kNotFound (no
  /// such version).
  virtual Result<Rollout> CreateRollout(Rollout rollout, registry::AuditEntry why) = 0;
  /// Takes stage, state, reason, entered, ended and approvals of `change.to`, moves the aliases, appends the audit entry.
  /// Returns what it is now. Errors: kNotFound, kAborted (somebody else changed it, or moved an alias, meanwhile).
  virtual Result<Rollout> ChangeRollout(RolloutChange change) = 0;
  /// Errors: kNotFound.
  virtual Result<Rollout> GetRollout(std::string_view id) const = 0;
  /// The one that a job began; none: it began none.
  virtual Result<std::optional<Rollout>> RolloutOfJob(std::string_view job) const = 0;
  /// Newest first; `cursor` is the last id of the page before.
  virtual Result<std::vector<Rollout>> ListRollouts(std::string_view cursor,
                                                    std::size_t limit) const = 0;
  /// Those that run or are paused, oldest first.
  virtual Result<std::vector<Rollout>> ActiveRollouts() const = 0;
};

/// "rollout-000012" -> 12. Errors: kNotFound.
Result<std::int64_t> RolloutNumber(std::string_view id);
std::string RolloutId(std::int64_t number);

}  // namespace vitrine::rollout
