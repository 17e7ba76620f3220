/// A temporary folder that goes with its owner.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::duckdb {

class ScratchFolder {
 public:
  ScratchFolder() = default;
  ~ScratchFolder() {
    if (!path_.empty()) {
      std::error_code ignored;
      std::filesystem::remove_all(path_, ignored);
    }
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  /// Errors: kUnavailable.
  Status Make(std::string_view name) {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::temp_directory_path(error) /
                                       fmt::format("vitrine-{}-{}", name, Now().value);
    if (error || !std::filesystem::create_directories(path, error)) {
      return Unavailable(fmt::format("cannot make a temporary folder {}", path.string()));
    }
    path_ = path.string();
    return Status::Ok();
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vitrine::duckdb
