#include "graph/operators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace vitrine::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kF = DType::kFloat32;
constexpr auto kD = DType::kFloat64;
constexpr auto kL = DType::kInt64;
constexpr auto kI = DType::kInt32;
constexpr auto kB = DType::kBool;

std::string Failure(std::string_view op, const std::vector<std::optional<DType>>& inputs,
                    std::size_t outputs = 1, std::optional<DType> attribute = std::nullopt) {
  const auto types = OutputTypes(op, inputs, outputs, attribute);
  return types.ok() ? "no failure" : types.status().message();
}

TEST(OperatorsTest, KnowsWhatIsStandard) {
  EXPECT_TRUE(IsStandardOperator("", "MatMul"));
  EXPECT_TRUE(IsStandardOperator("ai.onnx", "Abs"));
  EXPECT_TRUE(IsStandardOperator("", "Xor"));
  EXPECT_TRUE(IsStandardOperator("ai.onnx.ml", "TreeEnsembleRegressor"));
  EXPECT_FALSE(IsStandardOperator("", "TreeEnsembleRegressor"));
  EXPECT_FALSE(IsStandardOperator("ai.onnx.ml", "MatMul"));
  EXPECT_FALSE(IsStandardOperator("com.microsoft", "Attention"));
  EXPECT_FALSE(IsStandardOperator("ai.onnx.preview.training", "Adam"));
  EXPECT_FALSE(IsStandardOperator("", ""));
  EXPECT_FALSE(IsStandardOperator("", "Mat"));
  EXPECT_FALSE(IsStandardOperator("", "Mul Neg"));
}

TEST(OperatorsTest, TypesFollowTheInputs) {
  EXPECT_THAT(*OutputTypes("Add", {kD, kD}, 1, std::nullopt), ElementsAre(kD));
  EXPECT_THAT(*OutputTypes("Pow", {kD, kL}, 1, std::nullopt), ElementsAre(kD));
  EXPECT_THAT(*OutputTypes("Gather", {kD, kI}, 1, std::nullopt), ElementsAre(kD));
  EXPECT_THAT(*OutputTypes("Less", {kF, kF}, 1, std::nullopt), ElementsAre(kB));
  EXPECT_THAT(*OutputTypes("Cast", {kF}, 1, kI), ElementsAre(kI));
  EXPECT_THAT(*OutputTypes("OneHot", {kL, kL, kF}, 1, std::nullopt), ElementsAre(kF));
  EXPECT_THAT(*OutputTypes("ai.onnx.ml.TreeEnsembleRegressor", {kD}, 1, std::nullopt),
              ElementsAre(kF));
  EXPECT_THAT(*OutputTypes("Split", {kF}, 3, std::nullopt), ElementsAre(kF, kF, kF));
  EXPECT_THAT(*OutputTypes("LayerNormalization", {kF, kF}, 2, std::nullopt), ElementsAre(kF, kF));
}

TEST(OperatorsTest, OptionalInputsMayBeLeftOut) {
  EXPECT_THAT(*OutputTypes("Clip", {kF, std::nullopt, kF}, 1, std::nullopt), ElementsAre(kF));
  EXPECT_THAT(*OutputTypes("Slice", {kF, kL, kL}, 1, std::nullopt), ElementsAre(kF));
  EXPECT_THAT(*OutputTypes("GRU", {kF, kF, kF, std::nullopt, kI}, 2, std::nullopt),
              ElementsAre(kF, kF));
  EXPECT_THAT(*OutputTypes("LSTM", {kF, kF, kF, kF, kI}, 3, std::nullopt), ElementsAre(kF, kF, kF));
  EXPECT_THAT(Failure("Slice", {kF, kL}), HasSubstr("lacks its input 2"));
  EXPECT_THAT(Failure("Add", {std::nullopt, kF}), HasSubstr("lacks its input 0"));
}

TEST(OperatorsTest, SaysWhatDoesNotFit) {
  EXPECT_THAT(Failure("Gather", {kD, kD}),
              HasSubstr("input 1 is float64, it takes int32 or int64"));
  EXPECT_THAT(Failure("Where", {kF, kF, kF}), HasSubstr("input 0 is float32, it takes bool"));
  EXPECT_THAT(Failure("Reshape", {kF, kI}), HasSubstr("input 1 is int32, it takes int64"));
  EXPECT_THAT(Failure("Concat", {kF, kF, kD}), HasSubstr("input 2 is float64"));
  EXPECT_THAT(Failure("Concat", {}), HasSubstr("lacks its input 0"));
  EXPECT_THAT(Failure("Sqrt", {kF, kF}), HasSubstr("got 2 inputs, it takes 1"));
  EXPECT_THAT(Failure("Sqrt", {kF}, 2), HasSubstr("cannot have 2 outputs"));
  EXPECT_THAT(Failure("Cast", {kF}), HasSubstr("lacks the attribute"));
}

}  // namespace
}  // namespace vitrine::graph
