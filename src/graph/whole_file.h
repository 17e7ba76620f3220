/// A file that appears whole or not at all: written beside its place, synced, then renamed over it. What
/// stood there stays until then, and after every failure.
/// Threads: one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::graph {

class WholeFile {
 public:
  explicit WholeFile(std::string path);
  /// Removes what was not kept.
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  /// Appends. False once anything failed; Keep says what.
  bool Write(const void* bytes, std::size_t size);
  /// Errors: kResourceExhausted (the disk is full), kUnavailable (cannot write): name the file.
  Status Keep();

 private:
  bool Fail();
  std::string path_;
  std::string part_;
  int fd_ = -1;
  int error_ = 0;  ///< errno of the first failure
};

/// All of `bytes` at once. Errors: those of Keep.
Status WriteWholeFile(const std::string& path, std::string_view bytes);

}  // namespace vitrine::graph
