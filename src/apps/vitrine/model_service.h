/// /v1/models over the registry and the versions in memory. A version is loaded and warm before the
/// registry's alias moves to it, so that a promotion that cannot serve changes nothing.
/// Threads: any; calls that move aliases wait for each other.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "apps/vitrine/settings.h"
#include "loop/steps.h"
#include "registry/registry.h"
#include "serve/model_set.h"
#include "transport/http/services.h"

namespace vitrine::apps {

class VersionService final : public http::ModelService {
 public:
  /// "name:number" of versions that were loaded on request, alias or not.
  using Held = std::set<std::string, std::less<>>;

  /// All outlive it. `held_file` keeps which versions were loaded on request; a restart loads them again.
  /// `on_change` is told after aliases moved.
  /// Errors: kDataLoss (held_file cannot be understood).
  static Result<std::unique_ptr<VersionService>> Open(
      registry::Registry& registry, serve::ModelSet& models, loop::Programs programs,
      const Settings& settings, std::string held_file, std::function<void()> on_change);

  Result<std::vector<registry::ModelVersion>> List(std::string_view name, std::string_view cursor,
                                                   std::size_t limit) const override {
    return registry_.List(name, cursor, limit);
  }
  Result<registry::ModelVersion> Find(std::string_view ref_or_alias) const override {
    return registry_.Find(ref_or_alias);
  }
  Result<std::map<std::string, registry::VersionRef>> Aliases() const override {
    return registry_.Aliases();
  }
  std::vector<serve::VersionStatus> Loaded() const override { return models_.Versions(); }
  Result<registry::ModelVersion> Import(const std::string& folder,
                                        const registry::Cause& cause) override;
  Status SetAlias(std::string_view alias, const registry::VersionRef& ref,
                  const registry::Cause& cause) override;
  Status Load(std::string_view name, std::uint64_t number) override;
  Status Unload(std::string_view name) override;
  Result<registry::VersionRef> Rollback(const registry::Cause& cause) override;
  Result<std::vector<registry::AuditEntry>> Audit(std::uint64_t before,
                                                  std::size_t limit) const override {
    return registry_.Audit(before, limit);
  }

  /// Keeps a version in memory beside what aliases need, until it is released: a rollout's candidate. A version
  /// that is not loaded yet is loaded on the set's thread.
  /// Errors: kFailedPrecondition (it cannot be loaded), kNotFound.
  Status Keep(const registry::VersionRef& ref);
  /// Loads and warms it, and keeps it. Errors: those of Keep, and of a load.
  Status WarmAndKeep(const registry::VersionRef& ref);
  /// Lets go what nothing else needs. Requests that hold it finish on it.
  void Release(const registry::VersionRef& ref);

  /// Makes the versions in memory what the registry's aliases and what was loaded on request say, and waits
  /// for the aliases: a model that no scene needs holds nothing up.
  Status Synchronise(Deadline deadline);

 private:
  VersionService(registry::Registry& registry, serve::ModelSet& models, loop::Programs programs,
                 const Settings& settings, std::string held_file, std::function<void()> on_change);
  Result<serve::DesiredModels> Desired() const;
  Status Warm(const registry::ModelVersion& version);
  /// Keeps `held` durably, then takes it. With moving_ held.
  Status Hold(Held held);
  Result<registry::ModelVersion> Registered(std::string_view name, std::uint64_t number) const;

  registry::Registry& registry_;
  serve::ModelSet& models_;
  loop::Programs programs_;
  const Settings& settings_;
  std::function<void()> on_change_;
  std::string held_file_;
  std::mutex moving_;
  Held held_;  // with moving_ held
  Held kept_;  // the same: by rollouts
};

}  // namespace vitrine::apps
