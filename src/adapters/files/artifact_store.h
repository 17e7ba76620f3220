/// Artifacts as folders by content: ROOT/sha256/ab/cd/abcd.../ holds manifest.json and its files.
/// A folder is either whole or absent: it is copied beside its place, synced, then renamed; and renamed away before it is
/// purged. What a process that died while it copied left beside the places is purged a day later.
/// Threads: any; processes too (a rename that finds the place taken is a success).
#pragma once

#include <string>
#include <string_view>

#include "registry/ports.h"

namespace vitrine::files {

class FileArtifactStore final : public registry::ArtifactStore {
 public:
  /// Makes `root` where it is missing.
  static Result<FileArtifactStore> Open(std::string root);

  Result<std::string> Put(const std::string& folder) override;
  Result<std::string> Path(std::string_view hash) const override;
  Result<std::vector<registry::StoredArtifact>> List() const override;
  Status Remove(std::string_view hash) override;
  Status Purge() override;

 private:
  explicit FileArtifactStore(std::string root) : root_(std::move(root)) {}
  [[nodiscard]] std::string Place(std::string_view hash) const;
  std::string root_;
};

}  // namespace vitrine::files
