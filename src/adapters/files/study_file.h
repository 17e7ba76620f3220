/// optimise::StudyLog as a file of lines, each synced.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "optimise/study_log.h"

namespace vitrine::files {

class StudyFile final : public optimise::StudyLog {
 public:
  /// The file is made with the first line.
  explicit StudyFile(std::string path) : path_(std::move(path)) {}

  Result<std::vector<std::string>> Lines() override;
  Status Append(std::string_view line) override;

 private:
  std::string path_;
};

}  // namespace vitrine::files
