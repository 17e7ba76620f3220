#include "adapters/files/artifact_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "adapters/files/durable.h"
#include "core/sha256.h"
#include "core/time.h"

namespace vitrine::files {
namespace {

namespace fs = std::filesystem;

class ArtifactStoreTest : public testing::Test {
 protected:
  ArtifactStoreTest() {
    fs::create_directories(folder_);
    std::ofstream(folder_ / "manifest.json") << "{}";
    std::ofstream(folder_ / "model.onnx") << "graph";
  }
  ~ArtifactStoreTest() override { fs::remove_all(root_); }

  fs::path root_ = fs::path(testing::TempDir()) / "artifact_store_test";
  fs::path folder_ = root_ / "made";
};

TEST_F(ArtifactStoreTest, PutNamesTheFolderByItsManifest) {
  auto store = FileArtifactStore::Open((root_ / "store").string());
  ASSERT_TRUE(store.ok());
  const auto hash = store->Put(folder_.string());
  ASSERT_TRUE(hash.ok()) << hash.status().ToString();
  EXPECT_EQ(*hash, Sha256Hex("{}"));
  EXPECT_TRUE(fs::exists(fs::path(store->Path(*hash).value()) / "model.onnx"));
  EXPECT_EQ(store->Put(folder_.string()).value(), *hash) << "twice is the same as once";
}

TEST_F(ArtifactStoreTest, RefusesWhatIsNoArtifact) {
  auto store = FileArtifactStore::Open((root_ / "store").string());
  fs::remove(folder_ / "manifest.json");
  EXPECT_EQ(store->Put(folder_.string()).status().code(), Code::kNotFound);
  EXPECT_EQ(store->Path("../../etc/passwd").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store->Path(std::string(64, 'a')).status().code(), Code::kNotFound);
}

TEST_F(ArtifactStoreTest, RefusesLinks) {
  auto store = FileArtifactStore::Open((root_ / "store").string());
  fs::create_symlink("/etc/hostname", folder_ / "link");
  EXPECT_EQ(store->Put(folder_.string()).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store->Path(Sha256Hex("{}")).status().code(), Code::kNotFound)
      << "a refused folder leaves nothing behind";
}

TEST_F(ArtifactStoreTest, ListsWhatIsThereAndRemovesItWhole) {
  auto store = FileArtifactStore::Open((root_ / "store").string());
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(store->List().ok());
  EXPECT_TRUE(store->List()->empty());
  const std::string hash = store->Put(folder_.string()).value();
  const auto listed = store->List();
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().hash, hash);
  EXPECT_EQ(listed->front().bytes, 7U);
  EXPECT_LT(std::abs(Now().value - listed->front().stored.value), kMicrosPerDay);
  EXPECT_TRUE(store->Remove(hash).ok());
  EXPECT_TRUE(store->Remove(hash).ok()) << "twice is the same as once";
  EXPECT_TRUE(store->List()->empty());
  EXPECT_TRUE(fs::exists(root_ / ("store/gone-" + hash))) << "its space is still taken";
  EXPECT_TRUE(store->Purge().ok());
  EXPECT_FALSE(fs::exists(root_ / ("store/gone-" + hash)));
  EXPECT_EQ(store->Path(hash).status().code(), Code::kNotFound);
  EXPECT_EQ(store->Remove("../made").code(), Code::kInvalidArgument);
  EXPECT_EQ(store->Put(folder_.string()).value(), hash);
}

TEST_F(ArtifactStoreTest, WhatIsPutAgainIsYoungAgainAndOldLeftOversGo) {
  auto store = FileArtifactStore::Open((root_ / "store").string());
  ASSERT_TRUE(store.ok());
  const std::string hash = store->Put(folder_.string()).value();
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(72);
  fs::last_write_time(store->Path(hash).value(), old);
  EXPECT_LT(store->List()->front().stored.value, Now().value - 2 * kMicrosPerDay);
  ASSERT_TRUE(store->Put(folder_.string()).ok());
  EXPECT_GT(store->List()->front().stored.value, Now().value - kMicrosPerDay);

  fs::create_directories(root_ / "store/part-1-0");
  fs::create_directories(root_ / "store/gone-x");
  fs::create_directories(root_ / "store/part-2-0");
  fs::last_write_time(root_ / "store/part-1-0", old);
  fs::last_write_time(root_ / "store/gone-x", old);
  ASSERT_TRUE(store->Purge().ok());
  EXPECT_FALSE(fs::exists(root_ / "store/part-1-0"));
  EXPECT_FALSE(fs::exists(root_ / "store/gone-x"));
  EXPECT_TRUE(fs::exists(root_ / "store/part-2-0")) << "somebody may be copying";
}

TEST_F(ArtifactStoreTest, WriteDurablyReplacesTheWhole) {
  const std::string path = (root_ / "state.json").string();
  ASSERT_TRUE(WriteDurably(path, "long content").ok());
  ASSERT_TRUE(WriteDurably(path, "new").ok());
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "new");
  EXPECT_EQ(WriteDurably((root_ / "absent" / "x").string(), "").code(), Code::kNotFound);
}

}  // namespace
}  // namespace vitrine::files
