#include "graph/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "graph/check.h"

namespace vitrine::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// scores = x * w + 1
Builder Small() {
  Builder b("small");
  const Value x = b.Input("x", DType::kFloat32, {"batch", 2});
  const Value w = b.Initializer("w", {2}, std::vector<float>{2, 3});
  b.Output("scores", b.Add(b.Mul(x, w), b.Scalar(1.0F)), DType::kFloat32, {"batch", 2});
  return b;
}

/// The message that Finish fails with.
std::string Failure(Builder& b) {
  const Result<std::string> bytes = b.Finish();
  return bytes.ok() ? "no failure" : bytes.status().message();
}

TEST(BuilderTest, WhatItWritesPassesTheCheckOfForeignModels) {
  Builder b = Small();
  b.SetDoc("a small graph");
  const Result<std::string> bytes = b.Finish();
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  const Result<ModelSummary> summary = CheckModel(*bytes);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->name, "small");
  EXPECT_EQ(summary->producer, "vitrine");
  EXPECT_EQ(summary->opset, 17);
  EXPECT_EQ(summary->ir_version, 8);
  EXPECT_THAT(summary->operators, ElementsAre("Add", "Identity", "Mul"));
  ASSERT_EQ(summary->inputs.size(), 1U);
  EXPECT_EQ(summary->inputs[0].name, "x");
  EXPECT_EQ(summary->inputs[0].dtype, DType::kFloat32);
  EXPECT_THAT(summary->inputs[0].shape, ElementsAre(-1, 2));
  ASSERT_EQ(summary->outputs.size(), 1U);
  EXPECT_EQ(summary->outputs[0].name, "scores");
}

TEST(BuilderTest, TheSameCallsWriteTheSameBytes) {
  EXPECT_EQ(*Small().Finish(), *Small().Finish());
}

TEST(BuilderTest, EqualConstantsAreStoredOnce) {
  Builder b("constants");
  EXPECT_EQ(b.Scalar(1.0F).name, b.Scalar(1.0F).name);
  EXPECT_EQ(b.Constants({1, 2}).name, b.Constants({1, 2}).name);
  EXPECT_NE(b.Scalar(1.0F).name, b.Scalar(1.0).name);
  EXPECT_NE(b.Scalar<std::int64_t>(1).name, b.Constants({1}).name);
}

TEST(BuilderTest, KnowsTheTypeOfEveryValue) {
  Builder b("types");
  const Value x = b.Input("x", DType::kFloat32, {"n"});
  const Value wide = b.Cast(x, DType::kFloat64);
  EXPECT_EQ(b.TypeOf(wide), DType::kFloat64);
  EXPECT_EQ(b.TypeOf(b.Greater(x, x)), DType::kBool);
  EXPECT_EQ(b.TypeOf(b.ShapeOf(x)), DType::kInt64);
  EXPECT_EQ(b.TypeOf(b.Filled<double>(b.ShapeOf(x), 0)), DType::kFloat64);
  EXPECT_EQ(b.TypeOf(b.Where(b.Greater(x, x), wide, wide)), DType::kFloat64);
  const std::vector<Value> top = b.Node("TopK", {x, b.Constants({3})}, 2);
  EXPECT_EQ(b.TypeOf(top[0]), DType::kFloat32);
  EXPECT_EQ(b.TypeOf(top[1]), DType::kInt64);
  EXPECT_EQ(b.TypeOf({"nowhere"}), std::nullopt);
}

TEST(BuilderTest, MixedTypesFailWithTheNodesName) {
  Builder b("mixed");
  const Value x = b.Input("x", DType::kFloat32, {"n"});
  const Value sum = b.Add(x, b.Scalar(1.0));
  b.Output("y", sum, DType::kFloat32, {"n"});
  EXPECT_THAT(Failure(b), HasSubstr("operator Add: input 1 is float64, it takes float32"));
}

TEST(BuilderTest, TheFirstWrongCallIsTheOneReported) {
  Builder b("first");
  const Value x = b.Input("x", DType::kFloat32, {"n"});
  b.Op("Explode", {x});
  b.Input("x", DType::kFloat32, {"n"});
  EXPECT_THAT(Failure(b), HasSubstr("operator Explode has no signature"));
}

TEST(BuilderTest, RefusesTwoValuesOfOneName) {
  Builder b("twice");
  b.Input("x", DType::kFloat32, {"n"});
  b.Initializer("x", {1}, std::vector<float>{1});
  EXPECT_THAT(Failure(b), HasSubstr("two values named 'x'"));
}

TEST(BuilderTest, RefusesAWeightThatDoesNotFillItsShape) {
  Builder b("short");
  b.Initializer("w", {2, 2}, std::vector<float>{1, 2, 3});
  EXPECT_THAT(Failure(b), HasSubstr("'w' got 12 bytes, its shape needs 16"));
}

TEST(BuilderTest, RefusesAValueOfAnotherGraph) {
  Builder other("other");
  const Value foreign = other.Input("foreign", DType::kFloat32, {"n"});
  Builder b("mine");
  b.Sqrt(foreign);
  EXPECT_THAT(Failure(b), HasSubstr("takes 'foreign', which this graph has not made"));
}

TEST(BuilderTest, RefusesAnOutputOfAnotherType) {
  Builder b("output");
  const Value x = b.Input("x", DType::kFloat32, {"n"});
  b.Output("y", x, DType::kFloat64, {"n"});
  EXPECT_THAT(Failure(b), HasSubstr("'y' is declared float64 and made float32"));
}

TEST(BuilderTest, RefusesAGraphWithoutOutput) {
  Builder b("none");
  b.Input("x", DType::kFloat32, {"n"});
  EXPECT_THAT(Failure(b), HasSubstr("no output"));
}

}  // namespace
}  // namespace vitrine::graph
