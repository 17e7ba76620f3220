/// Port: where a study is kept, a line an act. Embedded: adapters/files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::optimise {

/// Threads: one caller at a time.
class StudyLog {
 public:
  virtual ~StudyLog() = default;
  /// Every line that was appended, oldest first; what a dying process left half written is none.
  /// Errors: kUnavailable (it cannot be read).
  virtual Result<std::vector<std::string>> Lines() = 0;
  /// On disk when it returns. `line` has no end of its own.
  /// Errors: kUnavailable, kResourceExhausted (disk full).
  virtual Status Append(std::string_view line) = 0;
};

}  // namespace vitrine::optimise
