#include "registry/garbage.h"

#include <utility>

namespace vitrine::registry {
namespace {

/// By number within a name, the newest last.
using Names = std::map<std::string, std::map<std::uint32_t, const ModelVersion*>>;

class Search {
 public:
  Search(const std::vector<ModelVersion>& versions, const std::vector<StoredArtifact>& stored) {
    for (const ModelVersion& version : versions) {
      names_[version.ref.name][version.ref.number] = &version;
    }
    for (const StoredArtifact& artifact : stored) {
      stored_[artifact.hash] = &artifact;
    }
  }

  void Keep(const std::map<std::string, VersionRef>& aliases, const KeepRule& rule) {
    for (const auto& [alias, ref] : aliases) {
      KeepWithParents(ref);
    }
    for (const std::string& used : rule.used) {
      if (const Result<VersionRef> ref = VersionRef::Parse(used); ref.ok()) {
        KeepWithParents(*ref);
      }
    }
    for (const auto& [name, numbers] : names_) {
      std::size_t left = rule.newest;
      for (auto at = numbers.rbegin(); at != numbers.rend(); ++at) {
        const bool there = stored_.contains(at->second->artifact);
        if (there && (left > 0 || rule.before <= at->second->created)) {
          KeepWithParents(at->second->ref);
        }
        left -= there && left > 0 ? 1 : 0;
      }
    }
  }

  Garbage Rest(const KeepRule& rule) const {
    Garbage garbage;
    std::set<std::string> needed;
    for (const ModelVersion* version : kept_) {
      needed.insert(version->artifact);
      if (!version->snapshot.empty()) {
        garbage.snapshots.insert(version->snapshot);
      }
    }
    std::set<std::string> go;
    for (const auto& [hash, artifact] : stored_) {
      if (!needed.contains(hash) && artifact->stored < rule.before) {
        garbage.artifacts.push_back(*artifact);
        go.insert(hash);
      }
    }
    for (const auto& [name, numbers] : names_) {
      for (const auto& [number, version] : numbers) {
        if (go.contains(version->artifact)) {
          garbage.versions.push_back(*version);
        }
      }
    }
    return garbage;
  }

 private:
  void KeepWithParents(VersionRef ref) {
    for (;;) {
      const auto name = names_.find(ref.name);
      if (name == names_.end()) {
        return;
      }
      const auto found = name->second.find(ref.number);
      if (found == name->second.end() || !kept_.insert(found->second).second) {
        return;
      }
      const Result<VersionRef> parent = VersionRef::Parse(found->second->parent);
      if (!parent.ok()) {
        return;
      }
      ref = *parent;
    }
  }

  Names names_;
  std::map<std::string, const StoredArtifact*> stored_;
  std::set<const ModelVersion*> kept_;
};

}  // namespace

Garbage FindGarbage(const std::vector<ModelVersion>& versions,
                    const std::map<std::string, VersionRef>& aliases,
                    const std::vector<StoredArtifact>& stored, const KeepRule& rule) {
  Search search(versions, stored);
  search.Keep(aliases, rule);
  return search.Rest(rule);
}

}  // namespace vitrine::registry
