#include "adapters/duckdb/lake_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "core/sha256.h"

namespace vitrine::duckdb {
namespace {

namespace fs = std::filesystem;

Status SystemFailure(std::string_view doing, const std::string& path, int error) {
  if (error == ENOSPC || error == EDQUOT) {
    return ResourceExhausted(
        fmt::format("the disk is full while {} {}. Free space there or choose another --data "
                    "directory; nothing that was there before is lost",
                    doing, path));
  }
  return Unavailable(fmt::format("{} {} fails: {}", doing, path, std::strerror(error)));
}

/// Closes a descriptor at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Status MakeFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? SystemFailure("making", path, error.value()) : Status::Ok();
}

}  // namespace

Status SyncFile(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) {
    return SystemFailure("syncing", path, errno);
  }
  return Status::Ok();
}

Status WriteDurably(const std::string& path, std::string_view bytes) {
  const std::string part = path + ".new";
  {
    const Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) {
      return SystemFailure("making", part, errno);
    }
    while (!bytes.empty()) {
      const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) {
        const int error = errno;
        ::unlink(part.c_str());
        return SystemFailure("writing", part, error);
      }
      bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) {
      return SystemFailure("syncing", part, errno);
    }
  }
  if (::rename(part.c_str(), path.c_str()) != 0) {
    return SystemFailure("renaming", part, errno);
  }
  return SyncFile(fs::path(path).parent_path().string());
}

Result<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return NotFound(fmt::format("there is no {}", path));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return file.bad() ? Result<std::string>(Unavailable("cannot read " + path))
                    : Result<std::string>(text.str());
}

struct LakeFolder::Lock {
  explicit Lock(int fd) : file(fd) {}
  Descriptor file;
};

std::string LakeFolder::PathOf(std::string_view relative) const {
  return root_ + "/" + std::string(relative);
}
std::string LakeFolder::SnapshotFolder(std::string_view id) const {
  return PathOf("snapshots/" + std::string(id));
}

Result<LakeFolder> LakeFolder::OpenToRead(const std::string& data_dir) {
  LakeFolder folder(data_dir + "/lake");
  if (!fs::exists(folder.PathOf("manifest.json"))) {
    return NotFound(
        fmt::format("{} holds no lake; import files first: vitrine-lake import PATH "
                    "--mapping NAME --data {}",
                    data_dir, data_dir));
  }
  return folder;
}

Result<LakeFolder> LakeFolder::OpenToWrite(const std::string& data_dir) {
  LakeFolder folder(data_dir + "/lake");
  for (const std::string_view name : {"parts", "snapshots", "tmp"}) {
    RETURN_IF_ERROR(MakeFolder(folder.PathOf(name)));
  }
  const std::string lock_path = folder.PathOf("lock");
  folder.lock_ =
      std::make_shared<Lock>(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (folder.lock_->file.get() < 0) {
    return SystemFailure("making", lock_path, errno);
  }
  if (::flock(folder.lock_->file.get(), LOCK_EX | LOCK_NB) != 0) {
    return Unavailable(fmt::format(
        "another vitrine-lake is writing to {}; wait until it is done and try again", data_dir));
  }
  RETURN_IF_ERROR(folder.Sweep());
  return folder;
}

Result<data::LakeManifest> LakeFolder::ReadManifest() const {
  const std::string path = PathOf("manifest.json");
  if (!fs::exists(path)) {
    return data::LakeManifest{};
  }
  ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  return data::LakeManifest::Parse(text, path);
}

Status LakeFolder::WriteManifest(const data::LakeManifest& manifest) const {
  return WriteDurably(PathOf("manifest.json"), manifest.ToJson());
}

Result<data::SnapshotManifest> LakeFolder::ReadSnapshot(std::string_view id) const {
  return ReadSnapshotManifest(SnapshotFolder(id));
}

Status LakeFolder::Adopt(const std::string& temporary_path, std::string_view relative) const {
  RETURN_IF_ERROR(SyncFile(temporary_path));
  const std::string path = PathOf(relative);
  if (::rename(temporary_path.c_str(), path.c_str()) != 0) {
    return SystemFailure("renaming", temporary_path, errno);
  }
  return SyncFile(fs::path(path).parent_path().string());
}

namespace {

/// The folder of a snapshot that is none any more: later ones may share its quarantine, which lies there.
void RemoveAllBut(const std::set<std::string>& named, const fs::path& folder) {
  const std::string relative = "snapshots/" + folder.filename().string() + "/";
  std::error_code error;
  std::vector<fs::path> go;
  bool all = true;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const bool stays = named.contains(relative + at->path().filename().string());
    all = all && !stays;
    if (!stays) {
      go.push_back(at->path());
    }
  }
  for (const fs::path& path : go) {
    fs::remove_all(path, error);
  }
  if (all) {
    fs::remove_all(folder, error);
  }
}

}  // namespace

Status LakeFolder::Sweep() const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(temporary(), error)) {
    fs::remove_all(entry.path(), error);
  }
  ASSIGN_OR_RETURN(const data::LakeManifest manifest, ReadManifest());
  std::set<std::string> named;
  for (const data::LakePart& part : manifest.parts) {
    named.insert(part.path);
  }
  for (const std::string& id : manifest.snapshots) {
    const Result<data::SnapshotManifest> snapshot = ReadSnapshot(id);
    if (!snapshot.ok()) {
      return Status::Ok();  // a damaged snapshot may name anything: remove nothing
    }
    for (const data::SnapshotPart& part : snapshot->parts) {
      named.insert(part.path);
    }
  }
  for (const auto& entry : fs::directory_iterator(PathOf("parts"), error)) {
    if (!named.contains("parts/" + entry.path().filename().string())) {
      fs::remove(entry.path(), error);
    }
  }
  const std::set<std::string> snapshots(manifest.snapshots.begin(), manifest.snapshots.end());
  for (const auto& entry : fs::directory_iterator(PathOf("snapshots"), error)) {
    if (!snapshots.contains(entry.path().filename().string())) {
      RemoveAllBut(named, entry.path());
    }
  }
  return Status::Ok();
}

Result<data::SnapshotManifest> ReadSnapshotManifest(const std::string& snapshot_dir) {
  const std::string path = snapshot_dir + "/manifest.json";
  const Result<std::string> text = ReadWholeFile(path);
  if (!text.ok()) {
    return NotFound(fmt::format("there is no snapshot in {}; make one with `vitrine-lake clean`",
                                snapshot_dir));
  }
  return data::SnapshotManifest::Parse(*text, path);
}

Result<std::vector<std::string>> CheckedParts(const std::string& lake_root,
                                              const data::SnapshotManifest& manifest,
                                              std::string_view kind) {
  std::vector<std::string> paths;
  for (const data::SnapshotPart& part : manifest.parts) {
    if (part.kind != kind) {
      continue;
    }
    const std::string path = lake_root + "/" + part.path;
    const Result<std::string> hash = Sha256OfFile(path);
    if (!hash.ok() || *hash != part.sha256) {
      return DataLoss(fmt::format(
          "{} of snapshot {} {}; restore it from a backup, or make a new snapshot from the raw "
          "parts "
          "with `vitrine-lake clean --full`",
          path, manifest.id, hash.ok() ? "is damaged (its hash differs)" : "is missing"));
    }
    paths.push_back(path);
  }
  return paths;
}

}  // namespace vitrine::duckdb
