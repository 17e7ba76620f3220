#include "core/sha256.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace vitrine {
namespace {

// FIPS 180-4, examples.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(Sha256Hex("abc"), kAbc);
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, PiecesEqualTheWhole) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("bc");
  EXPECT_EQ(hash.Finish(), kAbc);
}

TEST(Sha256, OfFile) {
  const std::string path = testing::TempDir() + "sha256_test";
  std::ofstream(path) << "abc";
  EXPECT_EQ(Sha256OfFile(path).value(), kAbc);
  std::filesystem::remove(path);
  EXPECT_EQ(Sha256OfFile(path).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace vitrine
