#include "graph/whole_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "graph/full_disk_testing.h"

namespace vitrine::graph {
namespace {
namespace fs = std::filesystem;

std::string TextOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class WholeFileTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string dir_ = testing::TempDir() + "whole_file_test";
  std::string path_ = dir_ + "/state";
};

TEST_F(WholeFileTest, AppearsOnlyWhenItIsKept) {
  {
    WholeFile file(path_);
    EXPECT_TRUE(file.Write("half", 4));
    EXPECT_FALSE(fs::exists(path_));
  }
  EXPECT_TRUE(fs::is_empty(dir_)) << "what was not kept goes";
  ASSERT_TRUE(WriteWholeFile(path_, "first").ok());
  ASSERT_TRUE(WriteWholeFile(path_, "second").ok());
  EXPECT_EQ(TextOf(path_), "second");
}

TEST_F(WholeFileTest, AFullDiskIsNamedAndWhatStoodThereStands) {
  ASSERT_TRUE(WriteWholeFile(path_, "good").ok());
  {
    const test::FileSizeLimit full(1000);
    const Status failed = WriteWholeFile(path_, std::string(5000, 'x'));
    EXPECT_EQ(failed.code(), Code::kUnavailable);
    EXPECT_THAT(failed.message(), testing::HasSubstr(path_));
    EXPECT_THAT(failed.message(), testing::HasSubstr("Free space"));
  }
  EXPECT_EQ(TextOf(path_), "good");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

TEST_F(WholeFileTest, AFolderThatIsNotThereIsNamed) {
  EXPECT_THAT(WriteWholeFile(dir_ + "/none/state", "x").message(),
              testing::HasSubstr("/none/state"));
}

}  // namespace
}  // namespace vitrine::graph
