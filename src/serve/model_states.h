/// Which versions are loaded and which alias points where: the states a version goes through, and
/// the pure function that says what to do next.
///
///   kNew -> kLoading -> kWarm -> kServing -> kRetired        kLoading -> kFailed
///
/// A version is kWarm when loaded and warmed, kServing while an alias points at it, kRetired when
/// nothing wants it any more (requests that hold it finish on it). kServing may go back to kWarm.
/// Threads: values and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace vitrine::serve {

enum class VersionState : std::uint8_t { kNew, kLoading, kWarm, kServing, kRetired, kFailed };
std::string_view VersionStateName(VersionState state);

/// What should be: alias -> "name:number". Several aliases may name one version.
using Aliases = std::map<std::string, std::string, std::less<>>;

struct DesiredModels {
  Aliases aliases;
  std::map<std::string, std::string, std::less<>> folders;  ///< version -> artifact folder
  /// Of `folders`: never the newest of their name. Who asks a model without a number is not given what is on trial.
  std::set<std::string, std::less<>> aside;
  friend bool operator==(const DesiredModels&, const DesiredModels&) = default;
};

/// What is.
struct ActualModels {
  std::map<std::string, VersionState, std::less<>> versions;  ///< retired ones are not listed
  Aliases aliases;
};

struct ModelAction {
  enum class Kind : std::uint8_t {
    kLoad,     ///< load and warm `version`
    kPublish,  ///< make `aliases` the table that requests see
    kRetire,   ///< let `version` go
  };
  Kind kind = Kind::kPublish;
  std::string version;
  Aliases aliases;
  friend bool operator==(const ModelAction&, const ModelAction&) = default;
};

/// At most one action that brings what is nearer to what should be; none where it is there, or where
/// only failed loads are missing. Publishing comes before loading, so that an alias moves to a
/// loaded version at once; an alias whose version is not loaded keeps the one it has; an alias that
/// is no longer wanted goes. Retiring comes last: what an alias still uses is never retired.
std::optional<ModelAction> NextAction(const DesiredModels& desired, const ActualModels& actual);

}  // namespace vitrine::serve
