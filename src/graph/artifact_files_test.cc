#include "graph/artifact_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "core/sha256.h"

namespace vitrine::graph {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ArtifactFilesTest : public testing::Test {
 protected:
  ArtifactFilesTest() {
    std::string name = (fs::temp_directory_path() / "vitrine-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    dir_ = root_ + "/store/abc";
    manifest_.name = "home";
  }
  ~ArtifactFilesTest() override { fs::remove_all(root_); }

  void Overwrite(const std::string& file, const std::string& bytes) const {
    std::ofstream(dir_ + "/" + file, std::ios::binary) << bytes;
  }

  std::string root_;
  std::string dir_;
  Manifest manifest_;
  const std::map<std::string, std::string> files_ = {{"model.onnx", std::string("\0graph", 6)},
                                                     {"vocabulary.txt", "a\nb\n"}};
};

TEST_F(ArtifactFilesTest, WhatIsWrittenIsReadBack) {
  const Result<Artifact> written = WriteArtifact(dir_, manifest_, files_);
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  const Result<Artifact> opened = OpenArtifact(dir_);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  EXPECT_EQ(opened->hash, written->hash);
  EXPECT_EQ(opened->hash, *Sha256OfFile(dir_ + "/manifest.json"));
  EXPECT_EQ(opened->manifest.name, "home");
  EXPECT_EQ(opened->manifest.files.at("vocabulary.txt"), Sha256Hex("a\nb\n"));
  EXPECT_EQ(*ReadArtifactFile(*opened, kModelFile), std::string("\0graph", 6));
  EXPECT_EQ(ReadArtifactFile(*opened, kGoldenFile).status().code(), Code::kNotFound);
  // Nothing else is left behind, above all no hidden half of an artifact.
  EXPECT_EQ(std::distance(fs::directory_iterator(root_ + "/store"), fs::directory_iterator()), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 3);
}

TEST_F(ArtifactFilesTest, WritingTheSameAgainIsFineAndAnotherIsRefused) {
  ASSERT_TRUE(WriteArtifact(dir_, manifest_, files_).ok());
  EXPECT_TRUE(WriteArtifact(dir_, manifest_, files_).ok());
  manifest_.name = "other";
  EXPECT_EQ(WriteArtifact(dir_, manifest_, files_).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(OpenArtifact(dir_)->manifest.name, "home");
}

TEST_F(ArtifactFilesTest, EveryDamagedFileIsNamed) {
  for (const auto& [file, bytes] : files_) {
    ASSERT_TRUE(WriteArtifact(dir_, manifest_, files_).ok());
    const Result<Artifact> before = OpenArtifact(dir_);
    ASSERT_TRUE(before.ok());
    Overwrite(file, bytes + " ");
    const Status differs = OpenArtifact(dir_).status();
    EXPECT_EQ(differs.code(), Code::kDataLoss);
    EXPECT_THAT(differs.message(), HasSubstr(file));
    EXPECT_EQ(ReadArtifactFile(*before, file).status().code(), Code::kDataLoss);
    fs::remove(dir_ + "/" + file);
    const Status missing = OpenArtifact(dir_).status();
    EXPECT_EQ(missing.code(), Code::kDataLoss);
    EXPECT_THAT(missing.message(), HasSubstr(file));
    fs::remove_all(dir_);
  }
}

TEST_F(ArtifactFilesTest, NamesWithFoldersAreRefused) {
  for (const std::string name : {"../evil", "a/b", "", "..", "manifest.json"}) {
    EXPECT_EQ(WriteArtifact(dir_, manifest_, {{name, ""}}).status().code(), Code::kInvalidArgument)
        << name;
  }
  ASSERT_TRUE(WriteArtifact(dir_, manifest_, files_).ok());
  Overwrite("manifest.json",
            R"({"format": 1, "name": "x", "kind": "ranker", "files": {"../../key": "00"}})");
  EXPECT_THAT(OpenArtifact(dir_).status().message(), HasSubstr("../../key"));
}

TEST_F(ArtifactFilesTest, AFolderWithoutManifestIsNoArtifact) {
  EXPECT_EQ(OpenArtifact(dir_).status().code(), Code::kNotFound);
  fs::create_directories(dir_);
  EXPECT_EQ(OpenArtifact(dir_).status().code(), Code::kNotFound);
  EXPECT_EQ(WriteArtifact(dir_, manifest_, files_).status().code(), Code::kAlreadyExists);
}

TEST_F(ArtifactFilesTest, WhereItCannotWriteNothingIsLeft) {
  fs::create_directories(root_);
  std::ofstream(root_ + "/file") << "in the way";
  const Status refused = WriteArtifact(root_ + "/file/abc", manifest_, files_).status();
  EXPECT_EQ(refused.code(), Code::kUnavailable);
  EXPECT_THAT(refused.message(), HasSubstr(root_ + "/file"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace vitrine::graph
