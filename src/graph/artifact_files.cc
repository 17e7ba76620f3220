#include "graph/artifact_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "core/sha256.h"
#include "graph/manifest_json.h"

namespace vitrine::graph {
namespace {

namespace fs = std::filesystem;

Status FailedAt(std::string_view did, const std::string& path, int error) {
  const std::string text =
      fmt::format("cannot {} {}: {}", did, path, std::generic_category().message(error));
  if (error == ENOSPC || error == EDQUOT) {
    return ResourceExhausted(text + "; free space or choose another data directory");
  }
  return Unavailable(text);
}

/// A descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() { Close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// False where what was written could not be kept.
  bool Close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

Status SyncFolder(const std::string& dir) {
  const File folder(dir, O_RDONLY | O_DIRECTORY);
  return folder.fd() >= 0 && ::fsync(folder.fd()) == 0 ? Status::Ok()
                                                       : FailedAt("sync", dir, errno);
}

Status WriteSynced(const std::string& path, std::string_view bytes) {
  File file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (file.fd() < 0) {
    return FailedAt("create", path, errno);
  }
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.fd(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return FailedAt("write", path, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(file.fd()) == 0 && file.Close() ? Status::Ok() : FailedAt("sync", path, errno);
}

/// A folder that is removed again unless it was renamed away.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool IsPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name != kManifestFile &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

std::string ScratchName(const fs::path& dir) {
  static std::atomic<unsigned> number{0};
  return (dir.parent_path() /
          fmt::format(".{}.{}.{}", dir.filename().string(), ::getpid(), number++))
      .string();
}

Result<std::string> ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return errno == ENOENT ? NotFound(fmt::format("no file {}", path))
                           : FailedAt("open", path, errno);
  }
  // At its size at once: a file of item vectors is large, and a text that grows takes twice its memory.
  std::error_code unknown;
  const std::uintmax_t size = fs::file_size(path, unknown);
  std::string bytes;
  bytes.resize(unknown ? 0 : static_cast<std::size_t>(size));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (file.good()) {
    bytes.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return file.bad() ? Result<std::string>(FailedAt("read", path, errno)) : bytes;
}

Status FillFolder(const std::string& folder, const std::string& manifest,
                  const std::map<std::string, std::string>& files) {
  for (const auto& [name, bytes] : files) {
    RETURN_IF_ERROR(WriteSynced(folder + "/" + name, bytes));
  }
  RETURN_IF_ERROR(WriteSynced(folder + "/" + std::string(kManifestFile), manifest));
  return SyncFolder(folder);
}

/// The artifact that already stands at `dir`, if it is the same one.
Result<Artifact> Standing(const std::string& dir, const std::string& hash) {
  Result<Artifact> standing = OpenArtifact(dir);
  if (standing.ok() && standing->hash == hash) {
    return standing;
  }
  return AlreadyExists(fmt::format(
      "{} already holds something else; give another folder, artifacts are never overwritten",
      dir));
}

Status Differs(const std::string& path, std::string_view wanted, std::string_view got) {
  return DataLoss(
      fmt::format("{} is damaged: its sha256 is {}, the manifest says {}; restore the "
                  "artifact or train it again",
                  path, got, wanted));
}

}  // namespace

std::string Artifact::PathOf(std::string_view file) const { return dir + "/" + std::string(file); }

Result<Artifact> WriteArtifact(const std::string& dir, Manifest manifest,
                               const std::map<std::string, std::string>& files) {
  manifest.files.clear();
  for (const auto& [name, bytes] : files) {
    if (!IsPlainName(name)) {
      return InvalidArgument(fmt::format("'{}' cannot be a file of an artifact", name));
    }
    manifest.files[name] = Sha256Hex(bytes);
  }
  const std::string text = ManifestToJson(manifest);
  Artifact artifact{.dir = dir, .hash = Sha256Hex(text), .manifest = std::move(manifest)};
  std::error_code error;
  const fs::path target = fs::absolute(dir, error).lexically_normal();
  if (fs::exists(target, error)) {
    return Standing(dir, artifact.hash);
  }
  if (fs::create_directories(target.parent_path(), error); error) {
    return FailedAt("create", target.parent_path().string(), error.value());
  }
  const ScratchFolder scratch(ScratchName(target));
  if (!fs::create_directory(scratch.path(), error)) {
    return FailedAt("create", scratch.path(), error.value());
  }
  RETURN_IF_ERROR(FillFolder(scratch.path(), text, files));
  if (::rename(scratch.path().c_str(), target.c_str()) != 0) {
    return errno == EEXIST || errno == ENOTEMPTY ? Standing(dir, artifact.hash)
                                                 : FailedAt("rename to", dir, errno);
  }
  RETURN_IF_ERROR(SyncFolder(target.parent_path().string()));
  return artifact;
}

Result<Artifact> OpenArtifact(const std::string& dir) {
  Artifact artifact{.dir = dir, .hash = {}, .manifest = {}};
  Result<std::string> text = ReadAll(artifact.PathOf(kManifestFile));
  if (!text.ok()) {
    return text.status().code() == Code::kNotFound
               ? NotFound(fmt::format("{} is not an artifact: it has no manifest.json", dir))
               : text.status();
  }
  artifact.hash = Sha256Hex(*text);
  ASSIGN_OR_RETURN(artifact.manifest, ParseManifest(*text));
  for (const auto& [name, wanted] : artifact.manifest.files) {
    if (!IsPlainName(name)) {
      return InvalidArgument(
          fmt::format("manifest.json: files names '{}', which is no file name", name));
    }
    const std::string path = artifact.PathOf(name);
    const Result<std::string> hash = Sha256OfFile(path);
    if (!hash.ok()) {
      return DataLoss(fmt::format("{} cannot be read ({}); the manifest names it", path,
                                  hash.status().message()));
    }
    if (*hash != wanted) {
      return Differs(path, wanted, *hash);
    }
  }
  return artifact;
}

Result<std::string> ReadArtifactFile(const Artifact& artifact, std::string_view file) {
  const auto known = artifact.manifest.files.find(std::string(file));
  if (known == artifact.manifest.files.end()) {
    return NotFound(fmt::format("the artifact {} has no {}", artifact.dir, file));
  }
  const std::string path = artifact.PathOf(file);
  Result<std::string> bytes = ReadAll(path);
  if (!bytes.ok()) {
    return DataLoss(fmt::format("{} cannot be read ({}); the manifest names it", path,
                                bytes.status().message()));
  }
  const std::string hash = Sha256Hex(*bytes);
  if (hash != known->second) {
    return Differs(path, known->second, hash);
  }
  return bytes;
}

}  // namespace vitrine::graph
