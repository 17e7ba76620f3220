#include "adapters/files/durable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace vitrine::files {
namespace {

/// Closes on leaving.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Status WriteAll(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return SystemFailure(path, "write", errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(fd) == 0 ? Status::Ok() : SystemFailure(path, "sync", errno);
}

}  // namespace

Status SystemFailure(const std::string& path, std::string_view doing, int error) {
  std::string text = fmt::format("{}: cannot {}: {}", path, doing, std::strerror(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(text + "; free space on this disk, then try again");
    case ENOENT:
      return NotFound(std::move(text));
    case EACCES:
    case EPERM:
    case EROFS:
      return PermissionDenied(text + "; check who owns the data directory");
    default:
      return Unavailable(std::move(text));
  }
}

Status Sync(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return SystemFailure(path, "open", errno);
  }
  return ::fsync(file.get()) == 0 ? Status::Ok() : SystemFailure(path, "sync", errno);
}

Status WriteDurably(const std::string& path, std::string_view bytes) {
  const std::string part = fmt::format("{}.part-{}", path, ::getpid());
  {
    const Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) {
      return SystemFailure(part, "create", errno);
    }
    if (Status written = WriteAll(file.get(), part, bytes); !written.ok()) {
      ::unlink(part.c_str());
      return written;
    }
  }
  if (::rename(part.c_str(), path.c_str()) != 0) {
    const Status failed = SystemFailure(path, "rename into place", errno);
    ::unlink(part.c_str());
    return failed;
  }
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return Sync(parent.empty() ? "." : parent);
}

}  // namespace vitrine::files
