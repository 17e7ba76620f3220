#include "adapters/duckdb/collect.h"

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace vitrine::duckdb {
namespace {

namespace fs = std::filesystem;

void Count(const std::string& path, data::Collected& collected) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  if (!error) {
    ++collected.files;
    collected.bytes += bytes;
  }
}

/// What lies in the snapshot's own folder, but what others share of it.
void CountFolder(const LakeFolder& folder, const std::string& id,
                 const std::set<std::string>& shared, data::Collected& collected) {
  std::error_code error;
  for (fs::directory_iterator at(folder.SnapshotFolder(id), error), end; !error && at != end;
       at.increment(error)) {
    if (!shared.contains("snapshots/" + id + "/" + at->path().filename().string())) {
      Count(at->path().string(), collected);
    }
  }
}

}  // namespace

Result<data::Collected> CollectSnapshots(const LakeFolder& folder,
                                         const data::CollectRequest& request) {
  ASSIGN_OR_RETURN(data::LakeManifest manifest, folder.ReadManifest());
  std::set<std::string> shared;
  for (const data::LakePart& part : manifest.parts) {
    shared.insert(part.path);
  }
  std::vector<data::SnapshotManifest> go;
  std::vector<std::string> stay;
  for (std::size_t i = 0; i < manifest.snapshots.size(); ++i) {
    ASSIGN_OR_RETURN(data::SnapshotManifest snapshot, folder.ReadSnapshot(manifest.snapshots[i]));
    const std::size_t newer = manifest.snapshots.size() - 1 - i;
    if (newer > 0 && newer >= request.newest && snapshot.created < request.before &&
        !request.needed.contains(snapshot.hash)) {
      go.push_back(std::move(snapshot));
      continue;
    }
    for (const data::SnapshotPart& part : snapshot.parts) {
      shared.insert(part.path);
    }
    stay.push_back(manifest.snapshots[i]);
  }
  data::Collected collected;
  std::set<std::string> parts;
  for (const data::SnapshotManifest& snapshot : go) {
    collected.snapshots.push_back(snapshot.id);
    CountFolder(folder, snapshot.id, shared, collected);
    for (const data::SnapshotPart& part : snapshot.parts) {
      if (part.path.starts_with("parts/") && !shared.contains(part.path) &&
          parts.insert(part.path).second) {
        Count(folder.PathOf(part.path), collected);
      }
    }
  }
  if (!request.remove || go.empty()) {
    return collected;
  }
  manifest.snapshots = std::move(stay);
  RETURN_IF_ERROR(folder.WriteManifest(manifest));
  RETURN_IF_ERROR(folder.Sweep());
  return collected;
}

}  // namespace vitrine::duckdb
