/// ModelVersion: an artifact with a name and a number. Immutable once created.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::registry {

/// "item-knn:3".
struct VersionRef {
  std::string name;
  std::uint32_t number = 0;
  friend bool operator==(const VersionRef&, const VersionRef&) = default;

  [[nodiscard]] std::string ToString() const;
  /// Errors: kInvalidArgument.
  static Result<VersionRef> Parse(std::string_view text);
};

/// Lineage is copied from the manifest, so that a list needs no artifact file.
struct ModelVersion {
  VersionRef ref;
  std::string artifact;  ///< sha256 of the artifact's manifest.json: its place in the store
  std::string kind;      ///< "retriever", ...
  std::string algorithm;
  std::string snapshot;  ///< hash of the snapshot it was fitted on
  std::string code_version;
  std::uint64_t seed = 0;
  std::string train_spec;  ///< JSON
  std::string parent;      ///< "name:number" or empty
  std::string report;      ///< evaluation report, JSON; empty for an import without one
  std::string probe;       ///< report of the probe that let it in, JSON
  std::string created_by;
  Micros created;
};

/// Names: 1 to 64 of a-z 0-9 - _ ., first a letter or digit. Says what is wrong otherwise.
Status CheckModelName(std::string_view name);

inline constexpr std::string_view kChampion = "champion";
inline constexpr std::string_view kPrevious = "previous";
inline constexpr std::string_view kChallenger = "challenger";
inline constexpr std::string_view kShadow = "shadow";

}  // namespace vitrine::registry
