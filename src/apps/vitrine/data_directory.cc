#include "apps/vitrine/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "adapters/files/durable.h"

namespace vitrine::apps {
namespace {

constexpr int kFormat = 1;

Status CheckFormat(const std::string& path) {
  const std::string file = path + "/format";
  int format = 0;
  if (std::ifstream in(file); in >> format) {
    return format <= kFormat
               ? Status::Ok()
               : FailedPrecondition(fmt::format("{} was written by a newer Vitrine (format {}, "
                                                "this program knows {}); install "
                                                "that version",
                                                path, format, kFormat));
  }
  return files::WriteDurably(file, fmt::format("{}\n", kFormat));
}

std::string Holder(int lock) {
  std::array<char, 32> text{};
  const ssize_t n = ::pread(lock, text.data(), text.size() - 1, 0);
  std::string_view digits(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!digits.empty() && digits.back() == '\n') {
    digits.remove_suffix(1);
  }
  return digits.empty() ? "another process" : fmt::format("process {}", digits);
}

}  // namespace

Result<DataDirectory> DataDirectory::Lock(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return files::SystemFailure(path, "create the data directory", error.value());
  }
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  const std::string file = path + "/lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    return files::SystemFailure(file, "open", errno);
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const Status held = Unavailable(
        fmt::format("{} is in use by {}; stop it first, or name another directory with --data",
                    path, Holder(lock)));
    ::close(lock);
    return held;
  }
  DataDirectory directory(path, lock);
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock, 0) != 0 ||
      ::pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return files::SystemFailure(file, "write", errno);
  }
  RETURN_IF_ERROR(CheckFormat(path));
  return directory;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) {
    ::close(lock_);  // the kernel lets the lock go with the descriptor, also after a kill
  }
}

bool DataDirectory::Held(const std::string& path) {
  const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) {
    return false;
  }
  const bool held = ::flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(lock);
  return held;
}

}  // namespace vitrine::apps
