/// Finds the reference cases and data sets that tests compare with.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace vitrine::evaluate::test {

/// The file below VITRINE_TEST_DATA (default: ../shared of the working directory, which is the
/// source root in tests); none where it is absent.
inline std::optional<std::filesystem::path> ReferenceFile(const std::string& relative) {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  const auto path = std::filesystem::path(root != nullptr ? root : "../shared") / relative;
  return std::filesystem::exists(path) ? std::optional(path) : std::nullopt;
}

}  // namespace vitrine::evaluate::test
