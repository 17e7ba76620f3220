/// The one directory that holds everything: log, lake, artifacts, vitrine.db. One process at a time
/// holds its lock; others talk to that process over the socket inside it.
#pragma once

#include <string>

#include "core/status.h"

namespace vitrine::apps {

class DataDirectory {
 public:
  /// Makes the directory where missing and takes its lock.
  /// Errors: kUnavailable (held: names the process), kFailedPrecondition (written by a newer
  ///         Vitrine), kPermissionDenied.
  static Result<DataDirectory> Lock(const std::string& path);
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;
  ~DataDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string Sub(const char* name) const { return path_ + "/" + name; }

  /// The socket of the process that holds `path`.
  static std::string SocketOf(const std::string& path) { return path + "/vitrine.sock"; }
  /// True where some process holds the lock.
  static bool Held(const std::string& path);

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

}  // namespace vitrine::apps
