/// Files that survive a power cut: synced, then renamed, then the directory synced.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::files {

/// fsync of a file or directory. Errors: kNotFound, kResourceExhausted (disk full), kUnavailable.
Status Sync(const std::string& path);

/// Writes `bytes` so that `path` holds either its old or its new content, never a part.
Status WriteDurably(const std::string& path, std::string_view bytes);

/// The failure of the last system call on `path`, by errno.
Status SystemFailure(const std::string& path, std::string_view doing, int error);

}  // namespace vitrine::files
