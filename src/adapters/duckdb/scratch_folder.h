/// A temporary folder that goes with its owner.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/status.h"

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

  /// Nobody else's, whatever the time is. Errors: kUnavailable.
  Status Make(std::string_view name) {
    std::error_code error;
    std::string path =
        (std::filesystem::temp_directory_path(error) / fmt::format("vitrine-{}-XXXXXX", name))
            .string();
    if (error || ::mkdtemp(path.data()) == nullptr) {
      return Unavailable(fmt::format("cannot make a temporary folder {}", path));
    }
    path_ = std::move(path);
    return Status::Ok();
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string File(std::string_view name) const {
    return fmt::format("{}/{}", path_, name);
  }

 private:
  std::string path_;
};

}  // namespace vitrine::duckdb
