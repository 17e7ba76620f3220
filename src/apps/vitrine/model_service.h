/// /v1/models over the registry and the versions in memory. A version is loaded and warm before the
/// registry's alias moves to it, so that a promotion that cannot serve changes nothing.
/// Threads: any; calls that move aliases wait for each other.
#pragma once

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
  /// All outlive it. `on_change` is told after aliases moved.
  VersionService(registry::Registry& registry, serve::ModelSet& models, loop::Programs programs,
                 const Settings& settings, std::function<void()> on_change);

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

  /// Makes the versions in memory what the registry's aliases say, and waits for it.
  Status Synchronise(Deadline deadline);

 private:
  Result<serve::DesiredModels> Desired() const;
  Status Warm(const registry::ModelVersion& version);
  Result<registry::ModelVersion> Registered(std::string_view name, std::uint64_t number) const;

  registry::Registry& registry_;
  serve::ModelSet& models_;
  loop::Programs programs_;
  const Settings& settings_;
  std::function<void()> on_change_;
  std::mutex moving_;
  std::set<std::string, std::less<>>
      held_;  ///< "name:number" loaded on request, alias or not; with moving_ held
};

}  // namespace vitrine::apps
