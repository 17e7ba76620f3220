#include "adapters/files/artifact_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "adapters/files/durable.h"
#include "core/sha256.h"

namespace vitrine::files {
namespace {

namespace fs = std::filesystem;

Status CopyDurably(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
    if (!entry.is_regular_file() || entry.is_symlink()) {
      return InvalidArgument(
          fmt::format("{}: an artifact folder holds plain files only", entry.path().string()));
    }
    const fs::path target = to / entry.path().filename();
    if (!fs::copy_file(entry.path(), target, error)) {
      return SystemFailure(target.string(), "copy", error.value());
    }
    RETURN_IF_ERROR(Sync(target.string()));
  }
  return error ? SystemFailure(from.string(), "list", error.value()) : Sync(to.string());
}

bool IsHash(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Micros WrittenAt(const fs::path& path) {
  std::error_code error;
  const auto at = fs::last_write_time(path, error);
  const auto system = std::chrono::file_clock::to_sys(at);
  return error ? Now()
               : Micros{std::chrono::duration_cast<std::chrono::microseconds>(
                            system.time_since_epoch())
                            .count()};
}

/// Folders that copying and removing go through; of a process that died, they stay.
constexpr std::string_view kCopied = "part-";
constexpr std::string_view kRemoved = "gone-";

}  // namespace

Result<FileArtifactStore> FileArtifactStore::Open(std::string root) {
  std::error_code error;
  fs::create_directories(fs::path(root) / "sha256", error);
  if (error) {
    return SystemFailure(root, "create", error.value());
  }
  return FileArtifactStore(std::move(root));
}

std::string FileArtifactStore::Place(std::string_view hash) const {
  return fmt::format("{}/sha256/{}/{}/{}", root_, hash.substr(0, 2), hash.substr(2, 2), hash);
}

Result<std::string> FileArtifactStore::Put(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string hash,
                   Sha256OfFile((fs::path(folder) / "manifest.json").string()));
  const fs::path place = Place(hash);
  std::error_code error;
  if (fs::exists(place, error)) {
    fs::last_write_time(place, fs::file_time_type::clock::now(), error);  // it is needed again
    return hash;
  }
  // Unique per call: two threads may put the same folder at once.
  static std::atomic<unsigned> serial{0};
  const fs::path part =
      fs::path(root_) / fmt::format("{}{}-{}", kCopied, ::getpid(), serial.fetch_add(1));
  fs::remove_all(part, error);
  fs::create_directories(part, error);
  fs::create_directories(place.parent_path(), error);
  if (error) {
    return SystemFailure(place.parent_path().string(), "create", error.value());
  }
  if (Status copied = CopyDurably(folder, part); !copied.ok()) {
    fs::remove_all(part, error);
    return copied;
  }
  fs::rename(part, place, error);
  if (error) {
    const std::error_code why = error;
    fs::remove_all(part, error);
    if (!fs::exists(place / "manifest.json", error)) {
      return SystemFailure(place.string(), "rename into place", why.value());
    }
  }
  // Every directory that may be new, up to the root.
  for (fs::path dir = place.parent_path(); dir != fs::path(root_).parent_path();
       dir = dir.parent_path()) {
    RETURN_IF_ERROR(Sync(dir.string()));
  }
  return hash;
}

Result<std::string> FileArtifactStore::Path(std::string_view hash) const {
  if (!IsHash(hash)) {
    return InvalidArgument(fmt::format("'{}' is not an artifact hash", hash));
  }
  std::string place = Place(hash);
  std::error_code error;
  if (!fs::exists(fs::path(place) / "manifest.json", error)) {
    return NotFound(fmt::format("artifact {} is not in {}", hash, root_));
  }
  return place;
}

Result<std::vector<registry::StoredArtifact>> FileArtifactStore::List() const {
  std::vector<registry::StoredArtifact> found;
  std::error_code error;
  fs::recursive_directory_iterator at(fs::path(root_) / "sha256", error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (at.depth() < 2 || !IsHash(name)) {
      continue;
    }
    at.disable_recursion_pending();
    registry::StoredArtifact artifact{.hash = name, .stored = WrittenAt(at->path())};
    for (fs::directory_iterator file(at->path(), error), last; !error && file != last;
         file.increment(error)) {
      artifact.bytes += file->file_size(error);
    }
    found.push_back(std::move(artifact));
  }
  if (error) {
    return SystemFailure(root_, "list", error.value());
  }
  return found;
}

Status FileArtifactStore::Remove(std::string_view hash) {
  if (!IsHash(hash)) {
    return InvalidArgument(fmt::format("'{}' is not an artifact hash", hash));
  }
  const fs::path place = Place(hash);
  const fs::path gone = fs::path(root_) / fmt::format("{}{}", kRemoved, hash);
  std::error_code error;
  if (!fs::exists(place, error)) {
    return Status::Ok();
  }
  fs::remove_all(gone, error);  // of a store that died before it was purged
  fs::rename(place, gone, error);
  return error ? SystemFailure(place.string(), "rename away", error.value())
               : Sync(place.parent_path().string());
}

Status FileArtifactStore::Purge() {
  std::error_code error;
  std::vector<fs::path> go;
  for (fs::directory_iterator at(root_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool left =
        name.starts_with(kCopied) && WrittenAt(at->path()).value < Now().value - kMicrosPerDay;
    if (name.starts_with(kRemoved) || left) {
      go.push_back(at->path());
    }
  }
  if (error) {
    return SystemFailure(root_, "list", error.value());
  }
  for (const fs::path& path : go) {
    fs::remove_all(path, error);
    if (error) {
      return SystemFailure(path.string(), "remove", error.value());
    }
  }
  return Status::Ok();
}

}  // namespace vitrine::files
