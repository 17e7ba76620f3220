/// The lake's folder on disk: DIR/lake/{manifest.json, parts/, snapshots/, lock, tmp/}.
/// One writer at a time (a lock file); readers need no lock, since parts are immutable and the
/// manifest is replaced by a rename.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/lake_manifest.h"
#include "data/snapshot_manifest.h"

namespace vitrine::duckdb {

/// Writes the bytes, syncs, renames, syncs the folder: `path` holds the old or the new content.
/// Errors: kResourceExhausted (disk full: names the folder), kUnavailable.
Status WriteDurably(const std::string& path, std::string_view bytes);
/// Syncs a file that somebody else wrote. Errors: as WriteDurably.
Status SyncFile(const std::string& path);
/// Errors: kNotFound, kUnavailable.
Result<std::string> ReadWholeFile(const std::string& path);

class LakeFolder {
 public:
  /// Opens for reading. Errors: kNotFound (there is no lake in the data directory).
  static Result<LakeFolder> OpenToRead(const std::string& data_dir);
  /// Makes the folders, takes the lock and removes what a crashed writer left.
  /// Errors: kUnavailable (another writer holds the lock; cannot be written), kResourceExhausted.
  static Result<LakeFolder> OpenToWrite(const std::string& data_dir);

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string PathOf(std::string_view relative) const;
  /// Where DuckDB spills, and where files are written before they are named.
  [[nodiscard]] std::string temporary() const { return PathOf("tmp"); }
  [[nodiscard]] std::string SnapshotFolder(std::string_view id) const;

  /// An empty manifest where there is none yet.
  Result<data::LakeManifest> ReadManifest() const;
  Status WriteManifest(const data::LakeManifest& manifest) const;
  Result<data::SnapshotManifest> ReadSnapshot(std::string_view id) const;

  /// Removes what neither the manifest nor a snapshot names, and temporary files.
  [[nodiscard]] Status Sweep() const;

  /// Syncs a written file and gives it its name in the lake. Errors: as WriteDurably.
  Status Adopt(const std::string& temporary_path, std::string_view relative) const;

 private:
  struct Lock;
  explicit LakeFolder(std::string root) : root_(std::move(root)) {}
  std::string root_;
  std::shared_ptr<Lock> lock_;
};

/// Reads a snapshot's manifest from its folder. Errors: kNotFound, kDataLoss, kFailedPrecondition.
Result<data::SnapshotManifest> ReadSnapshotManifest(const std::string& snapshot_dir);

/// The snapshot's parts of one kind as paths, each checked against its hash.
/// Errors: kDataLoss (a part is missing or differs: names it and the cure).
Result<std::vector<std::string>> CheckedParts(const std::string& lake_root,
                                              const data::SnapshotManifest& manifest,
                                              std::string_view kind);

}  // namespace vitrine::duckdb
