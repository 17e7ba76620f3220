#include "graph/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace vitrine::graph {

WholeFile::WholeFile(std::string path)
    : path_(std::move(path)),
      part_(path_ + ".part"),
      fd_(::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (fd_ < 0) {
    error_ = errno;
  }
}

WholeFile::~WholeFile() {
  if (fd_ >= 0) {
    ::close(fd_);
    ::unlink(part_.c_str());
  }
}

bool WholeFile::Fail() {
  error_ = error_ == 0 ? errno : error_;
  return false;
}

bool WholeFile::Write(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (error_ == 0 && size > 0) {
    const ssize_t n = ::write(fd_, at, size);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return Fail();
    }
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return error_ == 0;
}

Status WholeFile::Keep() {
  if (error_ == 0 && ::fsync(fd_) != 0) {
    Fail();
  }
  if (error_ == 0 && ::close(std::exchange(fd_, -1)) != 0) {
    Fail();
  }
  if (error_ == 0 && std::rename(part_.c_str(), path_.c_str()) != 0) {
    Fail();
  }
  if (error_ == 0) {
    return Status::Ok();
  }
  const std::string text = fmt::format(
      "cannot write {}: {}; what stood there before stands. Free space on this disk or "
      "choose another --out, then run the same command again",
      path_, std::generic_category().message(error_));
  return error_ == ENOSPC || error_ == EDQUOT ? ResourceExhausted(text) : Unavailable(text);
}

Status WriteWholeFile(const std::string& path, std::string_view bytes) {
  WholeFile file(path);
  file.Write(bytes.data(), bytes.size());
  return file.Keep();
}

}  // namespace vitrine::graph
