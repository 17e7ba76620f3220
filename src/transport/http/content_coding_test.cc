#include "transport/http/content_coding.h"

#include <gtest/gtest.h>

#include <random>

namespace vitrine::http {
namespace {

TEST(ContentCoding, WhatIsPackedComesBack) {
  std::mt19937 random(3);
  for (const std::size_t size : {0U, 1U, 1000U, 300'000U}) {
    std::string body(size, '\0');
    for (char& c : body) {
      c = static_cast<char>(random() % 7);
    }
    for (const ContentCoding coding : {ContentCoding::kGzip, ContentCoding::kDeflate}) {
      std::string packed;
      std::string back;
      ASSERT_TRUE(Encode(coding, body, packed).ok());
      ASSERT_TRUE(Decode(coding, packed, size, 64, back).ok()) << size;
      EXPECT_EQ(back, body);
      EXPECT_GE(back.capacity(), size + 64);
      if (size > 0) {
        EXPECT_EQ(Decode(coding, packed, size - 1, 64, back).code(), Code::kOutOfRange);
      }
    }
  }
}

TEST(ContentCoding, DamageIsTold) {
  std::string packed;
  std::string back;
  ASSERT_TRUE(Encode(ContentCoding::kGzip, std::string(5000, 'x'), packed).ok());
  const auto code = [&back](std::string_view body) {
    return Decode(ContentCoding::kGzip, body, 1 << 20, 64, back).code();
  };
  for (std::size_t cut = 0; cut < packed.size(); ++cut) {
    EXPECT_EQ(code(std::string_view(packed).substr(0, cut)), Code::kInvalidArgument) << cut;
  }
  EXPECT_EQ(code(packed + "more"), Code::kInvalidArgument);
  EXPECT_EQ(code("not packed"), Code::kInvalidArgument);
}

TEST(ContentCoding, AFloodIsStoppedAtItsLimit) {
  std::string packed;
  std::string back;
  ASSERT_TRUE(Encode(ContentCoding::kGzip, std::string(std::size_t{64} << 20, '\0'), packed).ok());
  EXPECT_LT(packed.size(), std::size_t{1} << 20);
  EXPECT_EQ(Decode(ContentCoding::kGzip, packed, 1 << 20, 64, back).code(), Code::kOutOfRange);
  EXPECT_LE(back.capacity(), std::size_t{4} << 20);
}

TEST(ContentCoding, HeadersAreRead) {
  EXPECT_EQ(ContentCodingOf(""), ContentCoding::kIdentity);
  EXPECT_EQ(ContentCodingOf(" GZip "), ContentCoding::kGzip);
  EXPECT_EQ(ContentCodingOf("deflate"), ContentCoding::kDeflate);
  EXPECT_EQ(ContentCodingOf("br"), std::nullopt);
  EXPECT_EQ(AcceptedCoding(""), ContentCoding::kIdentity);
  EXPECT_EQ(AcceptedCoding("br, gzip;q=0.5"), ContentCoding::kGzip);
  EXPECT_EQ(AcceptedCoding("gzip;q=0, deflate"), ContentCoding::kDeflate);
  EXPECT_EQ(AcceptedCoding("*"), ContentCoding::kIdentity);
}

}  // namespace
}  // namespace vitrine::http
