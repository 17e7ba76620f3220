#include "adapters/onnxruntime/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "adapters/onnxruntime/graph_testing.h"
#include "graph/artifact_files.h"
#include "graph/builder.h"
#include "graph/golden_json.h"

namespace vitrine::adapters {
namespace {

using graph::Builder;
using graph::Golden;
using graph::Value;
using testing::HasSubstr;

constexpr std::int64_t kItems = 40;

double ScoreOf(double x, std::int64_t item) { return x * static_cast<double>(item) + 1; }

/// scores[b, j] = x[b] * j + 1; `per_batch` adds something that depends on the batch's size.
std::string Model(bool per_batch) {
  std::vector<double> items;
  for (std::int64_t j = 0; j < kItems; ++j) {
    items.push_back(static_cast<double>(j));
  }
  Builder b("line");
  const Value x = b.Input("x", DType::kFloat64, {"batch", 1});
  Value scores = b.MatMul(x, b.Initializer("items", {1, kItems}, items));
  if (per_batch) {
    const Value rows = b.Cast(b.Slice(b.ShapeOf(x), 0, 0, 1), DType::kFloat64);
    scores = b.Add(scores, b.Div(rows, b.Scalar(4.0)));
  } else {
    scores = b.Add(scores, b.Scalar(1.0));
  }
  b.Output("scores", scores, DType::kFloat64, {"batch", kItems});
  return *b.Finish();
}

Golden Expected() {
  const std::vector<double> xs = {1, -1, 0.5, 3};
  Golden golden;
  golden.inputs = {Tensor::Of<double>("x", {4, 1}, std::span<const double>(xs))};
  golden.output = "scores";
  for (const double x : xs) {
    std::vector<double> scores;
    for (std::int64_t j = 0; j < kItems; ++j) {
      scores.push_back(ScoreOf(x, j));
    }
    golden.rows.push_back(graph::TopOf(scores));
  }
  return golden;
}

Manifest Promised() {
  Manifest manifest;
  manifest.name = "line";
  manifest.inputs = {{"x", DType::kFloat64, {-1, 1}}};
  manifest.outputs = {{"scores", DType::kFloat64, {-1, kItems}}};
  return manifest;
}

class ProbeTest : public testing::Test {
 protected:
  Result<ProbeReport> Probe(const Golden& golden, bool per_batch = false,
                            const Manifest& manifest = Promised()) {
    const auto written =
        graph::WriteArtifact(dir_, manifest,
                             {{std::string(graph::kModelFile), Model(per_batch)},
                              {std::string(graph::kGoldenFile), *graph::GoldenToJson(golden)}});
    EXPECT_TRUE(written.ok()) << written.status().ToString();
    return ProbeArtifact(dir_);
  }

  FolderForTest folder_;
  std::string dir_ = folder_.path() + "/artifact";
};

TEST_F(ProbeTest, AGoodModelGetsAReport) {
  const auto report = Probe(Expected());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->name, "line");
  EXPECT_EQ(report->hash.size(), 64U);
  EXPECT_EQ(report->golden_rows, 4U);
  EXPECT_LT(report->max_difference, 1e-12);
  EXPECT_EQ(report->near_ties, 0U);
  EXPECT_GT(report->load_seconds, 0);
  EXPECT_GT(report->run_seconds, 0);
  EXPECT_EQ(report->model_bytes, Model(false).size());
  EXPECT_GT(report->resident_bytes, std::uint64_t{1} << 20);
  EXPECT_GE(report->peak_bytes, report->resident_bytes);
  const auto json = nlohmann::json::parse(ProbeReportToJson(*report));
  EXPECT_EQ(json.at("golden_rows"), 4);
  EXPECT_EQ(json.at("outputs")[0].at("shape")[1], kItems);
}

TEST_F(ProbeTest, AScoreThatDiffersIsNamed) {
  Golden golden = Expected();
  golden.rows[2].scores[5] *= 1 + 3e-4;
  const auto report = Probe(golden);
  EXPECT_EQ(report.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(report.status().message(), HasSubstr("golden row 2: item 34 should score"));
}

TEST_F(ProbeTest, ASmallDifferenceIsMeasuredAndAccepted) {
  Golden golden = Expected();
  golden.rows[2].scores[5] *= 1 + 5e-5;
  const auto report = Probe(golden);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_NEAR(report->max_difference, 5e-5, 1e-6);
}

TEST_F(ProbeTest, AnotherOrderIsNamed) {
  Golden golden = Expected();
  std::swap(golden.rows[0].items[3], golden.rows[0].items[4]);
  std::swap(golden.rows[0].scores[3], golden.rows[0].scores[4]);
  const auto report = Probe(golden);
  EXPECT_EQ(report.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(report.status().message(), HasSubstr("place 4 should be item 35 and is item 36"));
}

TEST_F(ProbeTest, NeighboursWithinFloatNoiseMayChangePlacesAndAreCounted) {
  Golden golden = Expected();
  const std::vector<double> xs = {1, -1, 0.5, 1e-8};
  golden.inputs = {Tensor::Of<double>("x", {4, 1}, std::span<const double>(xs))};
  std::vector<double> scores(kItems, 1);
  golden.rows[3] = graph::TopOf(scores);  // all equal: 2, 3, 4, ...; the model says 39, 38, ...
  const auto report = Probe(golden);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->near_ties, 2 * graph::kGoldenItems);
}

TEST_F(ProbeTest, AModelThatDependsOnItsBatchIsCaught) {
  const auto report = Probe(Expected(), /*per_batch=*/true);
  EXPECT_EQ(report.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(report.status().message(), HasSubstr("run alone, not in a batch"));
}

TEST_F(ProbeTest, ManifestAndModelMustAgree) {
  const std::vector<std::pair<std::function<void(Manifest&)>, std::string>> cases = {
      {[](Manifest& m) { m.inputs[0].name = "history"; },
       "the input 'history', the model has none"},
      {[](Manifest& m) { m.outputs[0].dtype = DType::kFloat32; }, "the output 'scores' is float32"},
      {[](Manifest& m) { m.outputs[0].shape[1] = 41; }, "[-1, 41] in the manifest"},
      {[](Manifest& m) { m.inputs.clear(); }, "names 0 inputs, the model has 1"}};
  for (const auto& [change, message] : cases) {
    Manifest manifest = Promised();
    change(manifest);
    std::filesystem::remove_all(dir_);
    const auto report = Probe(Expected(), false, manifest);
    EXPECT_EQ(report.status().code(), Code::kInvalidArgument);
    EXPECT_THAT(report.status().message(), HasSubstr(message));
  }
}

TEST_F(ProbeTest, AGoldenSetThatProvesNothingIsRefused) {
  Golden empty = Expected();
  empty.rows.clear();
  EXPECT_THAT(Probe(empty).status().message(), HasSubstr("golden.json has no rows"));
  std::filesystem::remove_all(dir_);
  Golden other = Expected();
  other.output = "logits";
  EXPECT_THAT(Probe(other).status().message(), HasSubstr("output 'logits', the model has none"));
  std::filesystem::remove_all(dir_);
  Golden outside = Expected();
  outside.rows[0].items[0] = 4000;
  EXPECT_THAT(Probe(outside).status().message(), HasSubstr("item 4000"));
}

TEST_F(ProbeTest, DamageIsFoundFirst) {
  ASSERT_TRUE(Probe(Expected()).ok());
  std::ofstream(dir_ + "/model.onnx", std::ios::app) << 'x';
  const auto report = ProbeArtifact(dir_);
  EXPECT_EQ(report.status().code(), Code::kDataLoss);
  EXPECT_THAT(report.status().message(), HasSubstr("model.onnx"));
}

}  // namespace
}  // namespace vitrine::adapters
