#include "apps/vitrine/model_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/files/durable.h"
#include "apps/vitrine/free_memory.h"
#include "graph/artifact_files.h"
#include "loop/child_process.h"

namespace vitrine::apps {
namespace {

/// A model that is not warm after this is too large for this machine, or it hangs.
constexpr std::chrono::seconds kWarmWithin{120};

/// Takes every version of a name out; returns how many.
std::size_t EraseName(VersionService::Held& held, std::string_view name) {
  return std::erase_if(held, [&](std::string_view one) {
    return one.starts_with(name) && one.substr(name.size()).starts_with(':');
  });
}

}  // namespace

Result<std::unique_ptr<VersionService>> VersionService::Open(
    registry::Registry& registry, serve::ModelSet& models, loop::Programs programs,
    const Settings& settings, std::string held_file, std::function<void()> on_change) {
  std::unique_ptr<VersionService> service(new VersionService(
      registry, models, std::move(programs), settings, std::move(held_file), std::move(on_change)));
  std::ifstream in(service->held_file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.empty()) {
    return service;
  }
  const nlohmann::json held = nlohmann::json::parse(text, nullptr, false);
  if (!held.is_array()) {
    return DataLoss(fmt::format("{} cannot be understood; remove it, and load what you need again",
                                service->held_file_));
  }
  for (const nlohmann::json& version : held) {
    service->held_.insert(version.is_string() ? version.get<std::string>() : version.dump());
  }
  return service;
}

VersionService::VersionService(registry::Registry& registry, serve::ModelSet& models,
                               loop::Programs programs, const Settings& settings,
                               std::string held_file, std::function<void()> on_change)
    : registry_(registry),
      models_(models),
      programs_(std::move(programs)),
      settings_(settings),
      on_change_(std::move(on_change)),
      held_file_(std::move(held_file)) {}

Status VersionService::Hold(Held held) {
  RETURN_IF_ERROR(files::WriteDurably(held_file_, nlohmann::json(held).dump()));
  held_ = std::move(held);
  return Status::Ok();
}

Result<serve::DesiredModels> VersionService::Desired() const {
  ASSIGN_OR_RETURN(const auto aliases, registry_.Aliases());
  serve::DesiredModels desired;
  for (const auto& [alias, ref] : aliases) {
    ASSIGN_OR_RETURN(const registry::ModelVersion version, registry_.Get(ref));
    ASSIGN_OR_RETURN(desired.folders[ref.ToString()], registry_.ArtifactPath(version));
    desired.aliases[alias] = ref.ToString();
  }
  for (const Held* more : {&held_, &kept_}) {
    for (const std::string& held : *more) {
      ASSIGN_OR_RETURN(const registry::ModelVersion version, registry_.Find(held));
      ASSIGN_OR_RETURN(desired.folders[held], registry_.ArtifactPath(version));
    }
  }
  for (const std::string& kept : kept_) {
    const bool aliased = std::any_of(desired.aliases.begin(), desired.aliases.end(),
                                     [&](const auto& alias) { return alias.second == kept; });
    if (!aliased && !held_.contains(kept)) {
      desired.aside.insert(kept);
    }
  }
  return desired;
}

Status VersionService::Keep(const registry::VersionRef& ref) {
  const std::scoped_lock lock(moving_);
  kept_.insert(ref.ToString());
  auto desired = Desired();
  if (!desired.ok()) {
    kept_.erase(ref.ToString());
    return desired.status();
  }
  models_.SetDesired(std::move(*desired));
  return Status::Ok();
}

Status VersionService::WarmAndKeep(const registry::VersionRef& ref) {
  const std::scoped_lock lock(moving_);
  ASSIGN_OR_RETURN(const registry::ModelVersion version, registry_.Get(ref));
  const bool fresh = kept_.insert(ref.ToString()).second;
  const Status warm = Warm(version);
  if (!warm.ok() && fresh) {
    kept_.erase(ref.ToString());
    if (auto desired = Desired(); desired.ok()) {
      models_.SetDesired(std::move(*desired));
    }
  }
  return warm;
}

void VersionService::Release(const registry::VersionRef& ref) {
  const std::scoped_lock lock(moving_);
  kept_.erase(ref.ToString());
  // Where the registry cannot be read now, it stays in memory until the next change.
  if (auto desired = Desired(); desired.ok()) {
    models_.SetDesired(std::move(*desired));
  }
}

Status VersionService::Synchronise(Deadline deadline) {
  const std::scoped_lock lock(moving_);
  ASSIGN_OR_RETURN(serve::DesiredModels desired, Desired());
  models_.SetDesired(std::move(desired));
  return models_.WaitUntilServing(deadline);
}

Status VersionService::Warm(const registry::ModelVersion& version) {
  if (models_.Find(version.ref.ToString()) != nullptr) {
    return Status::Ok();
  }
  RETURN_IF_ERROR(CheckFits(version.ref.ToString(), version.probe, FreeMemoryBytes()));
  ASSIGN_OR_RETURN(serve::DesiredModels desired, Desired());
  const serve::DesiredModels before = desired;
  ASSIGN_OR_RETURN(desired.folders[version.ref.ToString()], registry_.ArtifactPath(version));
  models_.SetDesired(std::move(desired));
  const Status reached = models_.WaitUntilReached(After(kWarmWithin));
  if (models_.Find(version.ref.ToString()) == nullptr) {
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
    const bool ranker = version.kind == ModelKindName(ModelKind::kRanker);
    if (ranker && (alias == registry::kChampion || alias == registry::kPrevious)) {
      return FailedPrecondition(fmt::format(
          "{} is a ranker: it scores candidates that a retriever gives, and '{}' is what scenes "
          "retrieve with; give it an alias of its own (PUT /v1/aliases/NAME) and let a scene name "
          "that as its ranker",
          ref.ToString(), alias));
    }
    if (!ranker && version.kind != ModelKindName(ModelKind::kRetriever)) {
      return FailedPrecondition(
          fmt::format("{} is a {}: scenes cannot use it, and aliases are theirs; serve it at /v2: "
                      "vitrine model "
                      "load {}",
                      ref.ToString(), version.kind, ref.name));
    }
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
    // The one before goes once the new one answers: requests without a number move over at once, those
    // under way finish on it.
    Held held = held_;
    EraseName(held, version.ref.name);
    held.insert(version.ref.ToString());
    RETURN_IF_ERROR(Hold(std::move(held)));
    ASSIGN_OR_RETURN(serve::DesiredModels desired, Desired());
    models_.SetDesired(std::move(desired));
  }
  on_change_();
  return Status::Ok();
}

Status VersionService::Unload(std::string_view name) {
  {
    const std::scoped_lock lock(moving_);
    ASSIGN_OR_RETURN(const auto aliases, registry_.Aliases());
    for (const auto& [alias, ref] : aliases) {
      if (ref.name == name) {
        return FailedPrecondition(fmt::format("{} serves as '{}'; point the alias elsewhere first",
                                              ref.ToString(), alias));
      }
    }
    Held held = held_;
    if (EraseName(held, name) == 0) {
      return NotFound(fmt::format("no version of the model '{}' is loaded", name));
    }
    RETURN_IF_ERROR(Hold(std::move(held)));
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
