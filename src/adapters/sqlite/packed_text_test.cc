#include "adapters/sqlite/packed_text.h"

#include <gtest/gtest.h>

#include <random>

namespace vitrine::sqlite {
namespace {

TEST(PackedText, ComesBackAsItWas) {
  std::mt19937 random(1);
  for (const std::size_t size : {0U, 1U, 300U, 5000U, 1'000'000U}) {
    std::string text;
    while (text.size() < size) text += std::to_string(random() % 100'000) + ",";
    const std::string packed = Pack(text);
    const auto read = Unpack(packed);
    ASSERT_TRUE(read.ok()) << size;
    EXPECT_EQ(*read, text);
    if (size > kLeastPacked) {
      EXPECT_LT(packed.size(), 0.6 * static_cast<double>(text.size()));
    }
  }
}

TEST(PackedText, DamageIsFound) {
  const std::string packed = Pack(std::string(1000, '7') + "," + std::string(500, '3'));
  for (std::size_t cut = 0; cut < packed.size(); ++cut) {
    EXPECT_EQ(Unpack(packed.substr(0, cut)).status().code(), Code::kDataLoss) << cut;
  }
  for (std::size_t at = 0; at < packed.size(); ++at) {
    std::string other = packed;
    other[at] = static_cast<char>(other[at] ^ 0x55);
    EXPECT_EQ(Unpack(other).status().code(), Code::kDataLoss) << at;
  }
  EXPECT_EQ(Unpack("\xff\xff\xff\xff").status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace vitrine::sqlite
