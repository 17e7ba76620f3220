#include "apps/vitrine/free_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace vitrine::apps {
namespace {

class FreeMemory : public testing::Test {
 protected:
  FreeMemory() {
    std::string path = (std::filesystem::temp_directory_path() / "vitrine-XXXXXX").string();
    root_ = std::string(::mkdtemp(path.data())) + "/";
  }
  ~FreeMemory() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + file).parent_path());
    std::ofstream(root_ + file) << text;
  }
  std::string root_;
};

TEST_F(FreeMemory, IsUnknownWhereNothingSaysIt) { EXPECT_EQ(FreeMemoryBytes(root_), std::nullopt); }

TEST_F(FreeMemory, IsWhatTheMachineCanGive) {
  Write("proc/meminfo",
        "MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable:     20 kB\nBuffers: 3 kB\n");
  EXPECT_EQ(FreeMemoryBytes(root_), 20U * 1024);
  Write("sys/fs/cgroup/memory.max", "max\n");
  Write("sys/fs/cgroup/memory.current", "5\n");
  EXPECT_EQ(FreeMemoryBytes(root_), 20U * 1024);
}

TEST_F(FreeMemory, IsWhatTheContainerLeavesWhereThatIsLess) {
  Write("proc/meminfo", "MemAvailable: 20 kB\n");
  Write("sys/fs/cgroup/memory.max", "4096\n");
  Write("sys/fs/cgroup/memory.current", "1096\n");
  EXPECT_EQ(FreeMemoryBytes(root_), 3000U);
  Write("sys/fs/cgroup/memory.current", "5000\n");
  EXPECT_EQ(FreeMemoryBytes(root_), 0U);
}

TEST(CheckFits, AModelThatNeedsMoreThanIsFreeIsRefused) {
  const std::string probe = R"({"resident_bytes": 209715200})";  // 200 MB
  EXPECT_TRUE(CheckFits("shoes:3", probe, 200U << 20).ok());
  const Status refused = CheckFits("shoes:3", probe, (200U << 20) - 1);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  for (const char* part : {"shoes:3", "200 MB", "199 MB", "vitrine model unload"}) {
    EXPECT_NE(refused.message().find(part), std::string::npos) << refused.message();
  }
}

TEST(CheckFits, WhatNobodyMeasuredIsGivenTheBenefitOfTheDoubt) {
  EXPECT_TRUE(CheckFits("shoes:3", R"({"resident_bytes": 1000})", std::nullopt).ok());
  for (const char* probe :
       {"", "[]", "{}", R"({"resident_bytes": -5})", R"({"resident_bytes": "x"})"}) {
    EXPECT_TRUE(CheckFits("shoes:3", probe, 1).ok()) << probe;
  }
}

TEST(FreeMemoryHere, IsKnown) { EXPECT_GT(FreeMemoryBytes().value_or(0), 0U); }

}  // namespace
}  // namespace vitrine::apps
