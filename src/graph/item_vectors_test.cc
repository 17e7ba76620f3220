#include "graph/item_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace vitrine::graph {
namespace {

using testing::HasSubstr;

ItemVectors Three() {
  return {.rows = 3, .width = 2, .bias = false, .values = {0, 0, 1.5F, -2, 3, 1e-30F}};
}

template <typename T>
std::string With(std::string bytes, std::size_t offset, T value) {
  std::array<char, sizeof value> raw{};
  std::memcpy(raw.data(), &value, sizeof value);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    bytes.at(offset + i) = raw[i];
  }
  return bytes;
}

TEST(ItemVectorsFile, ComesBackAsItWasWritten) {
  for (const bool bias : {false, true}) {
    ItemVectors vectors = Three();
    vectors.bias = bias;
    const auto bytes = ItemVectorsToBytes(vectors);
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(bytes->size(), 64 + 6 * 4U);
    const auto read = ParseItemVectors(*bytes);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(read->rows, 3U);
    EXPECT_EQ(read->width, 2U);
    EXPECT_EQ(read->bias, bias);
    EXPECT_EQ(read->query_width(), bias ? 1U : 2U);
    EXPECT_EQ(read->values, vectors.values);
  }
}

TEST(ItemVectorsFile, MayHoldNoRow) {
  const auto bytes = ItemVectorsToBytes({.rows = 0, .width = 4, .bias = false, .values = {}});
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(ParseItemVectors(*bytes)->rows, 0U);
}

TEST(ItemVectorsFile, IsRefusedWhereverItIsCut) {
  const std::string bytes = *ItemVectorsToBytes(Three());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseItemVectors(bytes.substr(0, size)).status().code(), Code::kInvalidArgument)
        << size;
  }
  EXPECT_THAT(ParseItemVectors(bytes + "x").status().message(), HasSubstr("after its header"));
}

TEST(ItemVectorsFile, HeadersThatCannotBeAreRefused) {
  const std::string bytes = *ItemVectorsToBytes(Three());
  const auto code = [](const std::string& changed) {
    return ParseItemVectors(changed).status().code();
  };
  EXPECT_EQ(code(With(bytes, 0, 'X')), Code::kInvalidArgument);
  EXPECT_EQ(code(With(bytes, 8, std::uint32_t{2})), Code::kFailedPrecondition);
  EXPECT_EQ(code(With(bytes, 8, std::uint32_t{0})), Code::kInvalidArgument);
  EXPECT_EQ(code(With(bytes, 12, std::uint32_t{2})), Code::kInvalidArgument) << "unknown flag";
  EXPECT_EQ(code(With(bytes, 60, std::uint32_t{1})), Code::kInvalidArgument) << "reserved";
  EXPECT_EQ(code(With(bytes, 24, std::uint32_t{0})), Code::kInvalidArgument) << "no width";
  EXPECT_EQ(code(With(bytes, 24, std::uint32_t{16385})), Code::kInvalidArgument);
  EXPECT_EQ(code(With(bytes, 24, std::uint32_t{0xFFFFFFFF})), Code::kInvalidArgument);
  EXPECT_EQ(code(With(bytes, 16, std::uint64_t{4})), Code::kInvalidArgument) << "more rows";
  // rows x width x 4 is the file's size, modulo 2^64.
  EXPECT_EQ(code(With(bytes, 16, (std::uint64_t{1} << 61) + 3)), Code::kInvalidArgument);
  EXPECT_EQ(code(With(With(bytes, 12, std::uint32_t{1}), 24, std::uint32_t{1})),
            Code::kInvalidArgument)
      << "nothing but a bias";
}

TEST(ItemVectorsFile, IsNotWrittenOfValuesThatDoNotFit) {
  ItemVectors vectors = Three();
  vectors.values.pop_back();
  EXPECT_EQ(ItemVectorsToBytes(vectors).status().code(), Code::kInvalidArgument);
  vectors.width = 0;
  EXPECT_EQ(ItemVectorsToBytes(vectors).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::graph
