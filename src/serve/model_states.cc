#include "serve/model_states.h"

#include <algorithm>

namespace vitrine::serve {
namespace {

bool Loaded(const ActualModels& actual, std::string_view version) {
  const auto found = actual.versions.find(version);
  return found != actual.versions.end() &&
         (found->second == VersionState::kWarm || found->second == VersionState::kServing);
}

// The aliases that can be in force now: wanted ones whose version is loaded, and wanted ones that
// must wait, at what they have.
Aliases Reachable(const DesiredModels& desired, const ActualModels& actual) {
  Aliases aliases;
  for (const auto& [alias, version] : desired.aliases) {
    if (Loaded(actual, version)) {
      aliases[alias] = version;
    } else if (const auto now = actual.aliases.find(alias); now != actual.aliases.end()) {
      aliases[alias] = now->second;
    }
  }
  return aliases;
}

std::set<std::string, std::less<>> Wanted(const DesiredModels& desired) {
  std::set<std::string, std::less<>> wanted;
  for (const auto& [alias, version] : desired.aliases) {
    wanted.insert(version);
  }
  for (const auto& [version, folder] : desired.folders) {
    wanted.insert(version);
  }
  return wanted;
}

}  // namespace

std::string_view VersionStateName(VersionState state) {
  switch (state) {
    case VersionState::kNew:
      return "new";
    case VersionState::kLoading:
      return "loading";
    case VersionState::kWarm:
      return "warm";
    case VersionState::kServing:
      return "serving";
    case VersionState::kRetired:
      return "retired";
    case VersionState::kFailed:
      return "failed";
  }
  return "unknown";
}

std::optional<ModelAction> NextAction(const DesiredModels& desired, const ActualModels& actual) {
  Aliases reachable = Reachable(desired, actual);
  if (reachable != actual.aliases) {
    return ModelAction{ModelAction::Kind::kPublish, "", std::move(reachable)};
  }
  const auto wanted = Wanted(desired);
  const bool loading =
      std::any_of(actual.versions.begin(), actual.versions.end(),
                  [](const auto& entry) { return entry.second == VersionState::kLoading; });
  if (!loading) {
    for (const std::string& version : wanted) {
      const auto found = actual.versions.find(version);
      if (found == actual.versions.end() || found->second == VersionState::kNew) {
        return ModelAction{ModelAction::Kind::kLoad, version, {}};
      }
    }
  }
  for (const auto& [version, state] : actual.versions) {
    const bool used = std::any_of(actual.aliases.begin(), actual.aliases.end(),
                                  [&v = version](const auto& a) { return a.second == v; });
    if (state != VersionState::kLoading && !wanted.contains(version) && !used) {
      return ModelAction{ModelAction::Kind::kRetire, version, {}};
    }
  }
  return std::nullopt;
}

}  // namespace vitrine::serve
