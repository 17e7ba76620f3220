// What each program is linked with: a crash, a memory spike or a licence of one may not reach another.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "shell.h"

namespace vitrine {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The libraries that a program of this build asks the loader for, its own and theirs.
std::string LinkedLibraries(const std::string& program) {
  const char* bin = std::getenv("VITRINE_BIN");
  const std::filesystem::path path = std::filesystem::path(bin == nullptr ? "" : bin) / program;
  const CommandResult result = RunCommand("ldd '" + path.string() + "'");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, Not(HasSubstr("not found")));
  return result.output;
}

TEST(Executables, TheServerHasNeitherDuckDbNorWhatModelsAreFittedWith) {
  const std::string libraries = LinkedLibraries("vitrine");
  EXPECT_THAT(libraries, Not(HasSubstr("libduckdb")));
  EXPECT_THAT(libraries, Not(HasSubstr("libtorch")));
  EXPECT_THAT(libraries, Not(HasSubstr("libxgboost")));
}

TEST(Executables, TheLakeHasNoModelRuntime) {
  const std::string libraries = LinkedLibraries("vitrine-lake");
  EXPECT_THAT(libraries, Not(HasSubstr("libonnxruntime")));
  EXPECT_THAT(libraries, Not(HasSubstr("libtorch")));
  EXPECT_THAT(libraries, Not(HasSubstr("libxgboost")));
}

TEST(Executables, TheTrainerHasNoServingRuntime) {
  const std::string libraries = LinkedLibraries("vitrine-trainer");
  EXPECT_THAT(libraries, HasSubstr("libxgboost"));
  EXPECT_THAT(libraries, Not(HasSubstr("libonnxruntime")));
}

}  // namespace
}  // namespace vitrine
