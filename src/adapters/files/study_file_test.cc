#include "adapters/files/study_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace vitrine::files {
namespace {

using Texts = std::vector<std::string>;

TEST(StudyFile, HoldsWholeLinesWhateverWasCutOff) {
  const std::string path = testing::TempDir() + "study_file_test.jsonl";
  std::filesystem::remove(path);
  StudyFile file(path);
  ASSERT_TRUE(file.Lines().ok());
  EXPECT_TRUE(file.Lines()->empty()) << "there is none yet";
  ASSERT_TRUE(file.Append("one").ok());
  ASSERT_TRUE(file.Append("two").ok());
  EXPECT_EQ(*StudyFile(path).Lines(), (Texts{"one", "two"}));
  std::ofstream(path, std::ios::app) << "thr";  // and the process died
  StudyFile again(path);
  EXPECT_EQ(*again.Lines(), (Texts{"one", "two"}));
  ASSERT_TRUE(again.Append("three").ok());
  EXPECT_EQ(*again.Lines(), (Texts{"one", "two", "three"}));
  EXPECT_FALSE(StudyFile(testing::TempDir() + "no/such/folder").Append("x").ok());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace vitrine::files
