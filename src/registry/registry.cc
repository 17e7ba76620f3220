#include "registry/registry.h"

#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

namespace vitrine::registry {
namespace {

AuditEntry Entry(std::string action, std::string subject, const Cause& cause) {
  return {.time = Now(),
          .actor = cause.actor,
          .action = std::move(action),
          .subject = std::move(subject),
          .evidence = cause.evidence};
}

std::optional<VersionRef> Lookup(const std::map<std::string, VersionRef>& aliases,
                                 std::string_view alias) {
  const auto it = aliases.find(std::string(alias));
  return it == aliases.end() ? std::nullopt : std::optional(it->second);
}

std::string Evidence(const Garbage& garbage) {
  std::vector<std::string> versions;
  for (const ModelVersion& version : garbage.versions) {
    versions.push_back(version.ref.ToString());
  }
  std::vector<std::string> artifacts;
  for (const StoredArtifact& artifact : garbage.artifacts) {
    artifacts.push_back(artifact.hash);
  }
  return nlohmann::json({{"reason", "nothing needs their files"},
                         {"versions", std::move(versions)},
                         {"artifacts", std::move(artifacts)}})
      .dump();
}

}  // namespace

Result<ModelVersion> Registry::Register(const std::string& folder, const Manifest& manifest,
                                        std::string report, std::string probe, const Cause& cause) {
  RETURN_IF_ERROR(CheckModelName(manifest.name));
  const std::shared_lock lock(needs_);
  ASSIGN_OR_RETURN(std::string hash, artifacts_.Put(folder));
  ModelVersion version;
  version.ref.name = manifest.name;
  version.artifact = std::move(hash);
  version.kind = ModelKindName(manifest.kind);
  version.algorithm = manifest.algorithm;
  version.snapshot = manifest.snapshot;
  version.code_version = manifest.code_version;
  version.seed = manifest.seed;
  version.train_spec = manifest.train_spec;
  version.parent = manifest.parent;
  version.report = std::move(report);
  version.probe = std::move(probe);
  version.created_by = cause.actor;
  version.created = Now();
  return store_.CreateVersion(std::move(version), Entry("register", manifest.name, cause));
}

Status Registry::Promote(const VersionRef& ref, const Cause& cause) {
  const std::shared_lock lock(needs_);
  ASSIGN_OR_RETURN(const auto aliases, store_.Aliases());
  const auto champion = Lookup(aliases, kChampion);
  if (champion == ref) {
    return Status::Ok();
  }
  std::vector<AliasMove> moves = {{std::string(kChampion), ref}};
  if (champion) {
    moves.push_back({std::string(kPrevious), champion});
  }
  return store_.MoveAliases(moves, {{std::string(kChampion), champion}},
                            Entry("promote", ref.ToString(), cause));
}

Result<VersionRef> Registry::Rollback(const Cause& cause) {
  ASSIGN_OR_RETURN(const auto aliases, store_.Aliases());
  const auto champion = Lookup(aliases, kChampion);
  const auto previous = Lookup(aliases, kPrevious);
  if (!previous) {
    return FailedPrecondition(
        "there is no previous version to return to; promote one with: vitrine model promote "
        "NAME:NUMBER");
  }
  RETURN_IF_ERROR(
      store_.MoveAliases({{std::string(kChampion), previous}, {std::string(kPrevious), champion}},
                         {{std::string(kChampion), champion}, {std::string(kPrevious), previous}},
                         Entry("rollback", previous->ToString(), cause)));
  return *previous;
}

Status Registry::SetAlias(std::string_view alias, const VersionRef& ref, const Cause& cause) {
  if (alias == kChampion) {
    return Promote(ref, cause);
  }
  RETURN_IF_ERROR(CheckModelName(alias).WithContext("alias"));
  const std::shared_lock lock(needs_);
  return store_.MoveAliases({{std::string(alias), ref}}, {},
                            Entry("alias", fmt::format("{} = {}", alias, ref.ToString()), cause));
}

Result<std::string> Registry::ArtifactPath(const ModelVersion& version) const {
  Result<std::string> path = artifacts_.Path(version.artifact);
  if (path.status().code() == Code::kNotFound) {
    return NotFound(
        fmt::format("the files of {} are gone: {}. Old versions' files are collected (gc.*); train "
                    "or import it again, or bring them back from a backup",
                    version.ref.ToString(), path.status().message()));
  }
  return path;
}

Result<Garbage> Registry::Collect(KeepRule rule,
                                  const std::function<Result<std::set<std::string>>()>& used,
                                  bool remove, const Cause& cause) {
  ASSIGN_OR_RETURN(Garbage garbage, RemoveGarbage(std::move(rule), used, remove, cause));
  // With no lock held: disks are slow, and a promotion does not wait.
  if (remove) {
    RETURN_IF_ERROR(artifacts_.Purge());
  }
  return garbage;
}

Result<Garbage> Registry::RemoveGarbage(KeepRule rule,
                                        const std::function<Result<std::set<std::string>>()>& used,
                                        bool remove, const Cause& cause) {
  constexpr std::size_t kPage = 500;
  const std::unique_lock lock(needs_);
  ASSIGN_OR_RETURN(rule.used, used());
  ASSIGN_OR_RETURN(const auto aliases, store_.Aliases());
  ASSIGN_OR_RETURN(const std::vector<StoredArtifact> stored, artifacts_.List());
  std::vector<ModelVersion> versions;
  for (std::string cursor;;) {
    ASSIGN_OR_RETURN(std::vector<ModelVersion> page, store_.ListVersions("", cursor, kPage));
    if (page.empty()) {
      break;
    }
    cursor = page.back().ref.ToString();
    versions.insert(versions.end(), std::make_move_iterator(page.begin()),
                    std::make_move_iterator(page.end()));
  }
  Garbage garbage = FindGarbage(versions, aliases, stored, rule);
  if (!remove || garbage.artifacts.empty()) {
    return garbage;
  }
  RETURN_IF_ERROR(store_.AppendAudit(Entry("gc", "artifacts", {cause.actor, Evidence(garbage)})));
  for (const StoredArtifact& artifact : garbage.artifacts) {
    RETURN_IF_ERROR(artifacts_.Remove(artifact.hash));
  }
  return garbage;
}

Result<ModelVersion> Registry::Find(std::string_view ref_or_alias) const {
  if (ref_or_alias.find(':') != std::string_view::npos) {
    ASSIGN_OR_RETURN(const VersionRef ref, VersionRef::Parse(ref_or_alias));
    return store_.GetVersion(ref);
  }
  ASSIGN_OR_RETURN(const auto aliases, store_.Aliases());
  const auto it = aliases.find(std::string(ref_or_alias));
  if (it == aliases.end()) {
    return NotFound(fmt::format(
        "no alias '{}'; see the aliases and versions with: vitrine model list", ref_or_alias));
  }
  return store_.GetVersion(it->second);
}

}  // namespace vitrine::registry
