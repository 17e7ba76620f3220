/// Fake of rollout/store.h, with the aliases and the audit log that a change touches.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "rollout/store.h"

namespace vitrine::adapters {

/// Threads: any.
class MemoryRollouts final : public rollout::RolloutStore {
 public:
  Result<rollout::Rollout> CreateRollout(rollout::Rollout rollout,
                                         registry::AuditEntry why) override;
  Result<rollout::Rollout> ChangeRollout(rollout::RolloutChange change) override;
  Result<rollout::Rollout> GetRollout(std::string_view id) const override;
  Result<std::optional<rollout::Rollout>> RolloutOfJob(std::string_view job) const override;
  Result<std::vector<rollout::Rollout>> ListRollouts(std::string_view cursor,
                                                     std::size_t limit) const override;
  Result<std::vector<rollout::Rollout>> ActiveRollouts() const override;

  /// A version that exists.
  void AddVersion(const registry::VersionRef& ref) { versions_.push_back(ref); }
  void SetAlias(const std::string& alias, const registry::VersionRef& ref) {
    aliases_[alias] = ref;
  }
  [[nodiscard]] const std::map<std::string, registry::VersionRef>& aliases() const {
    return aliases_;
  }
  [[nodiscard]] const std::vector<registry::AuditEntry>& audit() const { return audit_; }

 private:
  [[nodiscard]] Status CheckVersion(const registry::VersionRef& ref) const;
  void Append(registry::AuditEntry why);

  mutable std::mutex mutex_;
  std::map<std::int64_t, rollout::Rollout> rollouts_;
  std::vector<registry::VersionRef> versions_;
  std::map<std::string, registry::VersionRef> aliases_;
  std::vector<registry::AuditEntry> audit_;
};

}  // namespace vitrine::adapters
