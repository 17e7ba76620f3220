#include "core/tensor.h"

#include <gtest/gtest.h>

#include <array>

namespace vitrine {
namespace {

TEST(Tensor, HoldsValuesRowMajor) {
  const std::array<float, 6> values = {1, 2, 3, 4, 5, 6};
  const Tensor t = Tensor::Of<float>("x", {2, 3}, values);
  EXPECT_EQ(t.size(), 6);
  EXPECT_EQ(t.values<float>()[5], 6);
  EXPECT_EQ(t.bytes().size(), 24U);
}

TEST(Tensor, ScalarHasOneElement) { EXPECT_EQ(Tensor("s", DType::kInt64, {}).size(), 1); }

TEST(Tensor, ResetZeroes) {
  Tensor t("x", DType::kInt64, {2});
  t.values<std::int64_t>()[0] = 7;
  t.Reset(DType::kInt64, {3});
  EXPECT_EQ(t.values<std::int64_t>()[0], 0);
}

TEST(Tensor, StringsOfAnyBytesComeBack) {
  const std::array<std::string_view, 4> elements = {"a", "", std::string_view("\0b", 2), "长"};
  Tensor t;
  const Shape shape = {2, 2};
  t.SetStrings(shape, elements);
  EXPECT_EQ(t.dtype(), DType::kString);
  EXPECT_EQ(t.shape(), shape);
  EXPECT_EQ(StringsOf(t), std::vector<std::string_view>(elements.begin(), elements.end()));
}

TEST(DType, NamesComeBack) {
  for (const DType type : kDTypes) {
    EXPECT_EQ(DTypeFromName(DTypeName(type)), type);
  }
  EXPECT_EQ(DTypeFromName("complex64"), std::nullopt);
}

TEST(TensorDeathTest, WrongTypeIsABrokenInvariant) {
  const Tensor t("x", DType::kFloat32, {1});
  EXPECT_DEATH(static_cast<void>(t.values<double>()), "broken invariant");
}

}  // namespace
}  // namespace vitrine
