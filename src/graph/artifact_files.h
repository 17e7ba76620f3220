/// Artifact folders: written whole or not at all, verified when opened. See core/artifact.h for the
/// layout.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/artifact.h"
#include "core/status.h"

namespace vitrine::graph {

inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kModelFile = "model.onnx";
inline constexpr std::string_view kFeatureSpecFile = "featurespec.json";
inline constexpr std::string_view kVocabularyFile = "vocabulary.txt";
inline constexpr std::string_view kGoldenFile = "golden.json";

/// A verified folder.
struct Artifact {
  std::string dir;
  std::string hash;  ///< sha256 of manifest.json: the artifact's name
  Manifest manifest;

  [[nodiscard]] std::string PathOf(std::string_view file) const;
};

/// Writes `files` (name -> bytes) and manifest.json into a new folder `dir`; fills
/// manifest.files with their hashes. Everything is written and synced in a hidden folder beside
/// `dir`, then renamed: a crash or a full disk leaves no half artifact.
/// Writing an artifact that already stands there with the same manifest is OK.
/// Errors: kInvalidArgument (a file name with a folder in it), kAlreadyExists (another artifact
///         stands there), kResourceExhausted (disk full), kUnavailable (cannot write).
Result<Artifact> WriteArtifact(const std::string& dir, Manifest manifest,
                               const std::map<std::string, std::string>& files);

/// Reads manifest.json and verifies the sha256 of every file it names.
/// Errors: kNotFound (no folder or no manifest.json), kDataLoss (names the file that is missing or
///         differs), kInvalidArgument and kFailedPrecondition (the manifest itself).
Result<Artifact> OpenArtifact(const std::string& dir);

/// Bytes of one file that the manifest names, verified again against its hash.
/// Errors: kNotFound (the manifest does not name it), kDataLoss.
Result<std::string> ReadArtifactFile(const Artifact& artifact, std::string_view file);

}  // namespace vitrine::graph
