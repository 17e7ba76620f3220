#include "adapters/files/numbered_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace vitrine::files {
namespace {

TEST(NumberedFiles, KeepsEachTextOnceAndLeavesOthersAlone) {
  const std::string folder = testing::TempDir() + "numbered-" + std::to_string(getpid());
  std::filesystem::remove_all(folder);
  NumberedFiles store(folder);
  EXPECT_TRUE(store.Numbers()->empty()) << "a folder that is not there holds none";
  ASSERT_TRUE(store.Add(1, "one").ok());
  ASSERT_TRUE(store.Add(12, "twelve").ok());
  std::ofstream(folder + "/notes.txt") << "a person's";
  std::ofstream(folder + "/7.json.tmp") << "half";
  EXPECT_EQ(*store.Numbers(), (std::vector<std::uint64_t>{1, 12}));
  EXPECT_EQ(*store.Read(12), "twelve");
  EXPECT_EQ(store.Add(1, "other").code(), Code::kAlreadyExists);
  EXPECT_EQ(*store.Read(1), "one") << "a version is never changed";
  EXPECT_EQ(store.Read(2).status().code(), Code::kNotFound);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vitrine::files
