#include "apps/vitrine/model_service.h"

#include <fmt/format.h>

#include <utility>

#include "graph/artifact_files.h"
#include "loop/child_process.h"

namespace vitrine::apps {
namespace {

/// A model that is not warm after this is too large for this machine, or it hangs.
constexpr std::chrono::seconds kWarmWithin{120};

}  // namespace

VersionService::VersionService(registry::Registry& registry, serve::ModelSet& models,
                               loop::Programs programs, const Settings& settings,
                               std::function<void()> on_change)
    : registry_(registry),
      models_(models),
      programs_(std::move(programs)),
      settings_(settings),
      on_change_(std::move(on_change)) {}

Result<serve::DesiredModels> VersionService::Desired() const {
  ASSIGN_OR_RETURN(const auto aliases, registry_.Aliases());
  serve::DesiredModels desired;
  for (const auto& [alias, ref] : aliases) {
    ASSIGN_OR_RETURN(const registry::ModelVersion version, registry_.Get(ref));
    ASSIGN_OR_RETURN(desired.folders[ref.ToString()], registry_.ArtifactPath(version));
    desired.aliases[alias] = ref.ToString();
  }
  for (const std::string& held : held_) {
    ASSIGN_OR_RETURN(const registry::ModelVersion version, registry_.Find(held));
    ASSIGN_OR_RETURN(desired.folders[held], registry_.ArtifactPath(version));
  }
  return desired;
}

Status VersionService::Synchronise(Deadline deadline) {
  const std::scoped_lock lock(moving_);
  ASSIGN_OR_RETURN(serve::DesiredModels desired, Desired());
  models_.SetDesired(std::move(desired));
  return models_.WaitUntilReached(deadline);
}

Status VersionService::Warm(const registry::ModelVersion& version) {
  if (models_.Version(version.ref.ToString()) != nullptr) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(serve::DesiredModels desired, Desired());
  const serve::DesiredModels before = desired;
  ASSIGN_OR_RETURN(desired.folders[version.ref.ToString()], registry_.ArtifactPath(version));
  models_.SetDesired(std::move(desired));
  const Status reached = models_.WaitUntilReached(After(kWarmWithin));
  if (models_.Version(version.ref.ToString()) == nullptr) {
    models_.SetDesired(before);
    return reached.ok() ? Internal(fmt::format("{} did not load", version.ref.ToString()))
                        : reached;
  }
  return Status::Ok();
}

Status VersionService::SetAlias(std::string_view alias, const registry::VersionRef& ref,
                                const registry::Cause& cause) {
  {
    const std::scoped_lock lock(moving_);
    ASSIGN_OR_RETURN(const registry::ModelVersion version, registry_.Get(ref));
    RETURN_IF_ERROR(Warm(version));
    RETURN_IF_ERROR(registry_.SetAlias(alias, ref, cause));
  }
  RETURN_IF_ERROR(Synchronise(After(kWarmWithin)));
  on_change_();
  return Status::Ok();
}

Result<registry::ModelVersion> VersionService::Registered(std::string_view name,
                                                          std::uint64_t number) const {
  if (number > 0) {
    return registry_.Find(fmt::format("{}:{}", name, number));
  }
  ASSIGN_OR_RETURN(const auto newest, registry_.List(name, "", 1));
  if (newest.empty()) {
    return NotFound(fmt::format("no version of the model '{}' is registered", name));
  }
  return newest.front();
}

Status VersionService::Load(std::string_view name, std::uint64_t number) {
  {
    const std::scoped_lock lock(moving_);
    ASSIGN_OR_RETURN(const registry::ModelVersion version, Registered(name, number));
    RETURN_IF_ERROR(Warm(version));
    held_.insert(version.ref.ToString());
  }
  on_change_();
  return Status::Ok();
}

Status VersionService::Unload(std::string_view name) {
  {
    const std::scoped_lock lock(moving_);
    const std::string prefix = fmt::format("{}:", name);
    ASSIGN_OR_RETURN(const auto aliases, registry_.Aliases());
    for (const auto& [alias, ref] : aliases) {
      if (ref.name == name) {
        return FailedPrecondition(fmt::format("{} serves as '{}'; point the alias elsewhere first",
                                              ref.ToString(), alias));
      }
    }
    if (std::erase_if(held_, [&](const std::string& held) { return held.starts_with(prefix); }) ==
        0) {
      return NotFound(fmt::format("no version of the model '{}' is loaded", name));
    }
    ASSIGN_OR_RETURN(serve::DesiredModels desired, Desired());
    models_.SetDesired(std::move(desired));
  }
  on_change_();
  return Status::Ok();
}

Result<registry::VersionRef> VersionService::Rollback(const registry::Cause& cause) {
  // `previous` is kept in memory, so this takes no load: two rows in the registry and one pointer.
  ASSIGN_OR_RETURN(const registry::VersionRef ref, registry_.Rollback(cause));
  RETURN_IF_ERROR(Synchronise(After(kWarmWithin)));
  on_change_();
  return ref;
}

Result<registry::ModelVersion> VersionService::Import(const std::string& folder,
                                                      const registry::Cause& cause) {
  const Result<graph::Artifact> artifact = graph::OpenArtifact(folder);
  if (artifact.status().code() == Code::kDataLoss) {
    // Lost before it reached us: the caller's to mend, and to be told what.
    return InvalidArgument(artifact.status().message());
  }
  RETURN_IF_ERROR(artifact.status());
  loop::ChildCommand probe{
      .program = programs_.vitrine,
      .arguments = {"model", "probe", folder, "--json"},
      .memory_limit_bytes = static_cast<std::uint64_t>(settings_.Integer("probe.memory_limit_mb"))
                            << 20,
      .timeout = std::chrono::seconds(settings_.Integer("probe.timeout_seconds"))};
  ASSIGN_OR_RETURN(const loop::ChildOutcome outcome, loop::RunChild(probe, {}, {}));
  RETURN_IF_ERROR(loop::StatusOf(outcome, "the probe").WithContext(folder));
  auto version = registry_.Register(folder, artifact->manifest, "", outcome.output, cause);
  on_change_();
  return version;
}

}  // namespace vitrine::apps
