/// data/vitrine.db: registry, aliases, audit, keys and jobs in one SQLite file.
/// Implements the stores of registry/, rollout/ and loop/. One connection, one lock.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sqlite/database.h"
#include "loop/job.h"
#include "registry/ports.h"
#include "rollout/store.h"

namespace vitrine::sqlite {

class VitrineDb final : public registry::RegistryStore,
                        public registry::KeyStore,
                        public rollout::RolloutStore,
                        public loop::JobStore {
 public:
  /// Opens or makes the file and brings an older format forward.
  /// Errors: those of Database::Open; kFailedPrecondition (written by a newer Vitrine).
  static Result<std::unique_ptr<VitrineDb>> Open(const std::string& path,
                                                 const char* vfs = nullptr);

  Result<registry::ModelVersion> CreateVersion(registry::ModelVersion version,
                                               registry::AuditEntry why) override;
  Result<registry::ModelVersion> GetVersion(const registry::VersionRef& ref) const override;
  Result<std::vector<registry::ModelVersion>> ListVersions(std::string_view name,
                                                           std::string_view cursor,
                                                           std::size_t limit) const override;
  Result<std::map<std::string, registry::VersionRef>> Aliases() const override;
  Status MoveAliases(const std::vector<registry::AliasMove>& moves,
                     const std::map<std::string, std::optional<registry::VersionRef>>& expected,
                     registry::AuditEntry why) override;
  Status AppendAudit(registry::AuditEntry entry) override;
  Result<std::vector<registry::AuditEntry>> ListAudit(std::uint64_t before,
                                                      std::size_t limit) const override;
  Status VerifyAudit() const override;

  Status CreateKey(const registry::ApiKey& key, registry::AuditEntry why) override;
  Result<std::vector<registry::ApiKey>> ListKeys() const override;
  Result<std::optional<registry::ApiKey>> FindKeyByHash(std::string_view hash) const override;
  Status RevokeKey(std::string_view id, registry::AuditEntry why) override;

  Result<loop::Job> CreateJob(loop::Job job) override;
  Status UpdateJob(const loop::Job& job) override;
  Result<loop::Job> GetJob(std::string_view id) const override;
  Result<std::vector<loop::Job>> ListJobs(std::string_view cursor,
                                          std::size_t limit) const override;

  Result<rollout::Rollout> CreateRollout(rollout::Rollout rollout,
                                         registry::AuditEntry why) override;
  Result<rollout::Rollout> ChangeRollout(rollout::RolloutChange change) override;
  Result<rollout::Rollout> GetRollout(std::string_view id) const override;
  Result<std::optional<rollout::Rollout>> RolloutOfJob(std::string_view job) const override;
  Result<std::vector<rollout::Rollout>> ListRollouts(std::string_view cursor,
                                                     std::size_t limit) const override;
  Result<std::vector<rollout::Rollout>> ActiveRollouts() const override;

  Status IntegrityCheck() const;
  Status BackUp(const std::string& path) const;

 private:
  explicit VitrineDb(Database db) : db_(std::move(db)) {}
  Status Migrate();
  Status AppendAuditLocked(registry::AuditEntry entry);
  Result<std::map<std::string, registry::VersionRef>> AliasesLocked() const;
  /// Within the caller's transaction.
  Status MoveAliasesLocked(
      const std::vector<registry::AliasMove>& moves,
      const std::map<std::string, std::optional<registry::VersionRef>>& expected);
  Result<rollout::Rollout> GetRolloutLocked(std::int64_t number) const;
  Result<std::optional<rollout::Rollout>> RolloutOfJobLocked(std::string_view job) const;

  mutable std::mutex mutex_;
  Database db_;
};

}  // namespace vitrine::sqlite
