#include "graph/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace vitrine::graph {
namespace {

using testing::HasSubstr;

/// What numpy.save writes: magic, version, length of the header, the header, values.
std::string Npy(const std::string& header, const std::vector<float>& values, int major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  if (major == 2) {
    bytes.append(2, '\0');
  }
  bytes += header;
  std::string raw(values.size() * sizeof(float), '\0');
  if (!values.empty()) {
    std::memcpy(raw.data(), values.data(), raw.size());
  }
  return bytes + raw;
}

const std::string kTwoByThree =
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }            \n";
const std::vector<float> kSix = {1, 2, 3, 4, 5, -6};

TEST(Npy, ReadsBothVersionsAndKeysInAnyOrder) {
  for (const std::string& bytes :
       {Npy(kTwoByThree, kSix), Npy(kTwoByThree, kSix, 2),
        Npy("{\"shape\": (2,3,), \"fortran_order\":False, \"descr\":\"<f4\"}", kSix)}) {
    const auto matrix = ParseNpyMatrix(bytes);
    ASSERT_TRUE(matrix.ok()) << matrix.status().ToString();
    EXPECT_EQ(matrix->rows, 2U);
    EXPECT_EQ(matrix->columns, 3U);
    EXPECT_EQ(matrix->values, kSix);
  }
}

TEST(Npy, SaysWhatTheArrayShouldBe) {
  const auto refusal = [](const std::string& header) {
    return ParseNpyMatrix(Npy(header, kSix)).status().message();
  };
  EXPECT_THAT(refusal("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}"),
              HasSubstr("astype('<f4')"));
  EXPECT_THAT(refusal("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}"),
              HasSubstr("'>f4'"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}"),
              HasSubstr("ascontiguousarray"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}"),
              HasSubstr("has 1 axes"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': ()}"),
              HasSubstr("has 0 axes"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3)}"),
              HasSubstr("says 3 rows of 3"));
  EXPECT_THAT(ParseNpyMatrix(Npy(kTwoByThree, kSix, 3)).status().message(), HasSubstr("3.0"));
}

TEST(Npy, HostileHeadersAreRefused) {
  for (const char* header :
       {"", "{", "{}", "[]", "{'descr': '<f4'}", "{'descr': '<f4', 'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999, 3)}",
        // 2^62 x 6 and 2^63 x 2 x 6 wrap around to what is there.
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775809, 6)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 6)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}"}) {
    EXPECT_EQ(ParseNpyMatrix(Npy(header, kSix)).status().code(), Code::kInvalidArgument) << header;
  }
}

TEST(Npy, IsRefusedWhereverItIsCut) {
  for (const int major : {1, 2}) {
    const std::string bytes = Npy(kTwoByThree, kSix, major);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(ParseNpyMatrix(bytes.substr(0, size)).ok()) << size;
    }
    EXPECT_FALSE(ParseNpyMatrix(bytes + "x").ok());
  }
}

TEST(Npy, NoRowsAreAMatrix) {
  const auto matrix =
      ParseNpyMatrix(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}", {}));
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ(matrix->columns, 3U);
}

}  // namespace
}  // namespace vitrine::graph
