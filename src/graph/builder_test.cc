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

/// scores = x * 2, as some model would write itself.
Status Doubled(Builder& b) {
  const Value x = b.Input("x", DType::kFloat32, {"batch", "length"});
  const Value two = b.Initializer("two", {1}, std::vector<float>{2});
  b.Output("scores", b.Mul(x, two), DType::kFloat32, {"batch", "length"});
  return Status::Ok();
}

TEST(BuilderTest, PartsOfOneKindStandBesideEachOther) {
  Builder b("parts");
  const auto first = b.Scope("first", Doubled);
  const auto second = b.Scope("second", Doubled);
  ASSERT_TRUE(first.ok() && second.ok());
  b.Output("sum", b.Add(first->at("scores"), second->at("scores")), DType::kFloat32, {"batch", 2});
  const Result<std::string> bytes = b.Finish();
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  const Result<ModelSummary> summary = CheckModel(*bytes);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  ASSERT_EQ(summary->inputs.size(), 2U);
  EXPECT_EQ(summary->inputs[0].name, "first.x");
  EXPECT_EQ(summary->inputs[1].name, "second.x");
  ASSERT_EQ(summary->outputs.size(), 1U);
  EXPECT_EQ(summary->outputs[0].name, "sum");
  // Two models' lengths are two sizes, the batch is one.
  EXPECT_NE(bytes->find("first.length"), std::string::npos);
  EXPECT_NE(bytes->find("second.length"), std::string::npos);
  EXPECT_EQ(bytes->find("first.batch"), std::string::npos);
}

TEST(BuilderTest, PartsNest) {
  Builder b("nested");
  const auto outer = b.Scope("outer", [](Builder& inner) -> Status {
    ASSIGN_OR_RETURN(const auto parts, inner.Scope("inner", Doubled));
    inner.Output("all", parts.at("scores"), DType::kFloat32, {"batch", "length"});
    return Status::Ok();
  });
  ASSERT_TRUE(outer.ok());
  EXPECT_EQ(outer->size(), 1U);
  b.Output("scores", outer->at("all"), DType::kFloat32, {"batch", "length"});
  const Result<ModelSummary> summary = CheckModel(*b.Finish());
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->inputs[0].name, "outer.inner.x");
}

TEST(BuilderTest, APartThatFailsIsNamed) {
  Builder b("failing");
  const auto part = b.Scope("markov", [](Builder&) { return Internal("no table"); });
  EXPECT_EQ(part.status().message(), "markov: no table");
  // And the scope is left: what follows is the model's own again.
  EXPECT_EQ(b.Input("x", DType::kFloat32, {"n"}).name, "x");
}

TEST(BuilderTest, APartHasOneOutputOfAName) {
  Builder b("twice");
  const auto part = b.Scope("part", [](Builder& inner) {
    const Value x = inner.Input("x", DType::kFloat32, {"n"});
    inner.Output("y", x, DType::kFloat32, {"n"});
    inner.Output("y", x, DType::kFloat32, {"n"});
    return Status::Ok();
  });
  ASSERT_TRUE(part.ok());
  EXPECT_THAT(Failure(b), HasSubstr("two outputs named 'y'"));
}

TEST(BuilderTest, OperatorsOfTheSecondDomainImportItOnce) {
  Builder b("trees");
  const Value x = b.Input("x", DType::kFloat64, {"n", 1});
  const std::vector<Attribute> leaf = {{"n_targets", 1},
                                       {"nodes_treeids", Ints{0}},
                                       {"nodes_nodeids", Ints{0}},
                                       {"nodes_featureids", Ints{0}},
                                       {"nodes_modes", Strings{"LEAF"}}};
  const Value one = b.Op("ai.onnx.ml.TreeEnsembleRegressor", {x}, leaf);
  const Value two = b.Op("ai.onnx.ml.TreeEnsembleRegressor", {x}, leaf);
  EXPECT_EQ(b.TypeOf(one), DType::kFloat32);
  b.Output("y", b.Add(one, two), DType::kFloat32, {"n", 1});
  const Result<std::string> bytes = b.Finish();
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  const Result<ModelSummary> summary = CheckModel(*bytes);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_THAT(summary->operators, testing::Contains("TreeEnsembleRegressor"));
  EXPECT_EQ(summary->opset, 17);
}

}  // namespace
}  // namespace vitrine::graph
