#include "adapters/onnxruntime/pack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/graph_testing.h"
#include "adapters/onnxruntime/probe.h"
#include "data/feature_spec.h"
#include "graph/artifact_files.h"
#include "graph/builder.h"
#include "serve/fake_graph.h"
#include "serve/fake_ranker.h"

namespace vitrine::adapters {
namespace {

using graph::Builder;
using graph::Value;
using testing::HasSubstr;

/// y[b, 2] = x[b, n] viewed as [b, 2]: runs where n is 2 alone.
std::string TwoColumns() {
  Builder b("two");
  const Value x = b.Input("x", DType::kFloat32, {"batch", "n"});
  b.Output("y", b.Add(x, b.Initializer("w", {2, 2}, std::vector<float>{1, 2, 3, 4})),
           DType::kFloat32, {2, 2});
  return *b.Finish();
}

std::string Plain() {
  Builder b("plain");
  const Value x = b.Input("x", DType::kFloat32, {"batch", 3});
  b.Output("y", b.Relu(x), DType::kFloat32, {"batch", 3});
  return *b.Finish();
}

/// scores[b, item] = how often the history holds the item.
std::string Counter(std::int64_t width) {
  Builder b("counter");
  const Value history = b.Input("history", DType::kInt64, {"batch", "length"});
  std::vector<float> identity(static_cast<std::size_t>(width * width));
  for (std::int64_t i = 0; i < width; ++i) {
    identity[static_cast<std::size_t>(i * width + i)] = 1;
  }
  const Value rows = b.Gather(b.Initializer("identity", {width, width}, identity), history);
  b.Output("scores", b.Op("ReduceSum", {rows, b.Constants({1})}, {{"keepdims", 0}}),
           DType::kFloat32, {"batch", width});
  return *b.Finish();
}

/// query[b, 2] = the sum of the embeddings of a history; item i's is {i, 1}, padding and unknown have none.
std::string SumOfTwo(std::int64_t width) {
  Builder b("encoder");
  const Value history = b.Input("history", DType::kInt64, {"batch", "length"});
  std::vector<float> table(static_cast<std::size_t>(width * 2), 0);
  for (std::size_t i = kFirstItem; i < static_cast<std::size_t>(width); ++i) {
    table[i * 2] = static_cast<float>(i);
    table[i * 2 + 1] = 1;
  }
  const Value rows = b.Gather(b.Initializer("table", {width, 2}, table), history);
  b.Output("query", b.Op("ReduceSum", {rows, b.Constants({1})}, {{"keepdims", 0}}), DType::kFloat32,
           {"batch", 2});
  return *b.Finish();
}

/// As numpy.save writes a float32 matrix.
std::string Npy(std::size_t columns, const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(values.size() / columns) + ", " + std::to_string(columns) +
                       "), }";
  header.resize(118, ' ');
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

class Pack : public testing::Test {
 protected:
  [[nodiscard]] std::string to() const { return folder_.path() + "/artifact"; }
  [[nodiscard]] Result<Manifest> Packed(const PackOptions& options) const {
    return PackModel(options, to());
  }
  FolderForTest folder_;
};

TEST_F(Pack, AnOnnxFileBecomesAGraphThatTheProbePasses) {
  const auto manifest =
      Packed({.source = folder_.Write("m.onnx", Plain()), .name = "relu", .code_version = "1"});
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->kind, ModelKind::kGraph);
  ASSERT_EQ(manifest->inputs.size(), 1U);
  EXPECT_EQ(manifest->inputs[0].shape, (Shape{-1, 3}));
  const auto report = ProbeArtifact(to());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->golden_rows, 0U);
  EXPECT_GT(report->run_seconds, 0);
}

TEST_F(Pack, AModelThatDoesNotRunOnSizesOfOneSaysWhatToGive) {
  const PackOptions options{.source = folder_.Write("m.onnx", TwoColumns()), .name = "two"};
  const Status refused = Packed(options).status();
  EXPECT_EQ(refused.code(), Code::kOk);  // [1, 1] is broadcast
  std::filesystem::remove_all(to());
  PackOptions wrong = options;
  ASSERT_TRUE(AddShape("x=2,3", wrong.sample_shapes).ok());
  const Status status = Packed(wrong).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("does not run on zeros"));
  EXPECT_THAT(status.message(), HasSubstr("--shape x=[-1,-1]"));
  EXPECT_FALSE(std::filesystem::exists(to()));
  PackOptions right = options;
  ASSERT_TRUE(AddShape("x=2,2", right.sample_shapes).ok());
  ASSERT_TRUE(Packed(right).ok());
  // The shapes go along: the probe, and the server's warm-up, run what runs.
  EXPECT_TRUE(ProbeArtifact(to()).ok());
  EXPECT_EQ(graph::OpenArtifact(to())->manifest.sample_shapes.at("x"), (Shape{2, 2}));
}

TEST_F(Pack, AFolderInTritonsLayoutBringsItsNameAndItsBound) {
  std::filesystem::create_directories(folder_.path() + "/shoes/3");
  static_cast<void>(folder_.Write("shoes/3/model.onnx", Plain()));
  static_cast<void>(
      folder_.Write("shoes/config.pbtxt",
                    R"(max_batch_size: 4 input { name: "x" data_type: TYPE_FP32 dims: 3 })"));
  const auto manifest = Packed({.source = folder_.path() + "/shoes"});
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->name, "shoes");
  EXPECT_EQ(manifest->max_rows, 4);
  EXPECT_EQ(graph::OpenArtifact(to())->manifest.max_rows, 4);

  static_cast<void>(folder_.Write("shoes/config.pbtxt",
                                  R"(input { name: "x" data_type: TYPE_FP32 dims: [ -1, 5 ] })"));
  const Status misfit = PackModel({.source = folder_.path() + "/shoes"}, to() + "2").status();
  EXPECT_THAT(misfit.message(), HasSubstr("[-1, 5] in config.pbtxt and float32 [-1, 3]"));
}

TEST_F(Pack, WithFeaturesAndVocabularyItScoresItems) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const data::FeatureSpec spec = serve::HistorySpec(ids, 5);
  const PackOptions options{.source = folder_.Write("m.onnx", Counter(6)),
                            .name = "counter",
                            .feature_spec = folder_.Write("spec.json", spec.ToJson()),
                            .vocabulary = folder_.Write("ids.txt", data::Vocabulary(ids).ToText())};
  const auto manifest = Packed(options);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->kind, ModelKind::kRetriever);
  EXPECT_EQ(manifest->vocabulary_size, 4U);
  EXPECT_EQ(manifest->feature_spec_hash, spec.Hash());
  const auto report = ProbeArtifact(to());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->golden_rows, 8U);

  PackOptions half = options;
  half.vocabulary.clear();
  EXPECT_THAT(PackModel(half, to() + "2").status().message(), HasSubstr("go together"));
  PackOptions other = options;
  other.vocabulary = folder_.Write("ids.txt", data::Vocabulary({"a", "b"}).ToText());
  EXPECT_THAT(PackModel(other, to() + "3").status().message(),
              HasSubstr("spec.json is of 6 item numbers"));
}

TEST_F(Pack, WithItemVectorsAnEncoderScoresItems) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const PackOptions options{
      .source = folder_.Write("m.onnx", SumOfTwo(6)),
      .name = "encoder",
      .feature_spec = folder_.Write("spec.json", serve::HistorySpec(ids, 5).ToJson()),
      .vocabulary = folder_.Write("ids.txt", data::Vocabulary(ids).ToText()),
      .items = folder_.Write("items.npy", Npy(2, {1, 0, 0, 1, -1, 5, 2, 2}))};
  const auto manifest = Packed(options);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->kind, ModelKind::kRetriever);
  ASSERT_EQ(manifest->outputs.size(), 1U);
  EXPECT_EQ(manifest->outputs[0].shape, (Shape{-1, 6}));
  const auto report = ProbeArtifact(to());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->golden_rows, 8U);
  EXPECT_GT(report->model_bytes, SumOfTwo(6).size());

  const auto runtime = MakeOnnxRuntime();
  ASSERT_TRUE(runtime.ok());
  const auto loaded = LoadArtifact(to(), **runtime);
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  const History history = {{.item = 3}, {.item = 5}};  // the query is {8, 2}
  std::vector<double> scores;
  ASSERT_TRUE(loaded->scorer->Score(std::span(&history, 1), scores).ok());
  EXPECT_EQ(scores, (std::vector<double>{0, 0, 8, 2, 2, 20}));
}

TEST_F(Pack, OneColumnMoreIsABias) {
  const std::vector<std::string> ids = {"a", "b"};
  const PackOptions options{
      .source = folder_.Write("m.onnx", SumOfTwo(4)),
      .name = "encoder",
      .feature_spec = folder_.Write("spec.json", serve::HistorySpec(ids, 5).ToJson()),
      .vocabulary = folder_.Write("ids.txt", data::Vocabulary(ids).ToText()),
      .items = folder_.Write("items.npy", Npy(3, {1, 0, 100, 0, 1, -0.5}))};
  ASSERT_TRUE(Packed(options).ok());
  const auto runtime = MakeOnnxRuntime();
  const auto loaded = LoadArtifact(to(), **runtime);
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  const History history = {{.item = 3}};  // the query is {3, 1}
  std::vector<double> scores;
  ASSERT_TRUE(loaded->scorer->Score(std::span(&history, 1), scores).ok());
  EXPECT_EQ(scores, (std::vector<double>{0, 0, 103, 0.5}));
}

TEST_F(Pack, ItemVectorsThatDoNotFitAreRefused) {
  const std::vector<std::string> ids = {"a", "b"};
  PackOptions options{
      .source = folder_.Write("m.onnx", SumOfTwo(4)),
      .name = "encoder",
      .feature_spec = folder_.Write("spec.json", serve::HistorySpec(ids, 5).ToJson()),
      .vocabulary = folder_.Write("ids.txt", data::Vocabulary(ids).ToText()),
      .items = folder_.Write("items.npy", Npy(2, {1, 2, 3, 4, 5, 6}))};
  EXPECT_THAT(Packed(options).status().message(), HasSubstr("has 3 rows of 2 values"));
  options.items = folder_.Write("items.npy", Npy(4, {1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_THAT(Packed(options).status().message(), HasSubstr("queries of 4 values"));
  options.items = folder_.Write("items.npy", "not numpy's");
  EXPECT_THAT(Packed(options).status().message(), HasSubstr("no .npy file"));
  options.items = folder_.path() + "/none";
  EXPECT_EQ(Packed(options).status().code(), Code::kNotFound);
  options.items = folder_.Write("items.npy", Npy(2, {1, 2, 3, 4}));
  options.vocabulary.clear();
  EXPECT_THAT(Packed(options).status().message(), HasSubstr("--items needs"));
  EXPECT_FALSE(std::filesystem::exists(to()));
}

/// scores[c] = weight[item[c]] + how many places of the one history hold the item.
std::string Ranker(std::int64_t width, bool listwise = false) {
  Builder b("ranker");
  const Value history = b.Input("history", DType::kInt64, {1, "length"});
  const Value item = b.Input("item", DType::kInt64, {"candidates", 1});
  std::vector<float> weights;
  for (std::int64_t i = 0; i < width; ++i) {
    weights.push_back(0.1F * static_cast<float>(i));
  }
  const Value weight = b.Gather(b.Initializer("weight", {width}, weights), item);
  const Value same = b.Cast(b.Equal(item, history), DType::kFloat32);
  Value scores = b.Add(weight, b.ReduceSum(same, {1}, true));
  if (listwise) {
    scores = b.Softmax(scores, 0);
  }
  b.Output("scores", scores, DType::kFloat32, {"candidates", 1});
  return *b.Finish();
}

TEST_F(Pack, ARankerScoresCandidatesAndTheProbeDoesTheSame) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const data::FeatureSpec spec = serve::RankerSpec(ids, 5);
  const PackOptions options{.source = folder_.Write("m.onnx", Ranker(6)),
                            .name = "ctr",
                            .feature_spec = folder_.Write("spec.json", spec.ToJson()),
                            .vocabulary = folder_.Write("ids.txt", data::Vocabulary(ids).ToText()),
                            .kind = ModelKind::kRanker};
  const auto manifest = Packed(options);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->kind, ModelKind::kRanker);
  EXPECT_EQ(manifest->vocabulary_size, 4U);
  const auto report = ProbeArtifact(to());
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->golden_rows, 1U);
  // A whole vocabulary is what it does not score: evaluation says so.
  const auto runtime = MakeOnnxRuntime();
  ASSERT_TRUE(runtime.ok());
  const Status evaluated = LoadArtifact(to(), **runtime, {}).status();
  EXPECT_EQ(evaluated.code(), Code::kInvalidArgument);
  EXPECT_THAT(evaluated.message(), HasSubstr("is a ranker"));

  PackOptions retriever = options;
  retriever.kind = ModelKind::kRetriever;
  EXPECT_FALSE(PackModel(retriever, to() + "2").ok());
  PackOptions listwise = options;
  listwise.source = folder_.Write("l.onnx", Ranker(6, true));
  EXPECT_THAT(PackModel(listwise, to() + "3").status().message(),
              HasSubstr("may not depend on the other candidates"));
}

// The file of docs/register.md, as somebody writes it who trained elsewhere.
TEST_F(Pack, ARankersFeatureSpecCanBeWrittenByHand) {
  const std::string spec =
      R"({"format": 1, "width": 6, "features": [
  {"name": "history", "op": "history_items", "source": "", "options": {"length": "5", "fixed": "true"}, "fitted": {}},
  {"name": "item", "op": "candidate", "source": "", "options": {}, "fitted": {}}]})";
  const PackOptions options{.source = folder_.Write("m.onnx", Ranker(6)),
                            .name = "ctr",
                            .feature_spec = folder_.Write("spec.json", spec),
                            .vocabulary = folder_.Write("ids.txt", "a\nb\nc\nd\n"),
                            .kind = ModelKind::kRanker};
  const auto manifest = Packed(options);
  EXPECT_TRUE(manifest.ok()) << manifest.status().ToString();
}

TEST_F(Pack, RefusalsLeaveNothingBehind) {
  const std::string model = folder_.Write("m.onnx", Plain());
  EXPECT_THAT(Packed({.source = model}).status().message(), HasSubstr("--name"));
  EXPECT_EQ(Packed({.source = model, .name = "Not A Name"}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Packed({.source = folder_.path() + "/none", .name = "n"}).status().code(),
            Code::kNotFound);
  EXPECT_EQ(Packed({.source = folder_.Write("t.onnx", "not a model"), .name = "n"}).status().code(),
            Code::kInvalidArgument);
  const std::string cut = Plain().substr(0, 60);
  EXPECT_EQ(Packed({.source = folder_.Write("c.onnx", cut), .name = "n"}).status().code(),
            Code::kDataLoss);
  EXPECT_FALSE(std::filesystem::exists(to()));
}

TEST(AddShape, ReadsSizesOrSaysTheForm) {
  std::map<std::string, Shape> shapes;
  EXPECT_TRUE(AddShape("ids=1,32", shapes).ok());
  EXPECT_TRUE(AddShape("a=b=7", shapes).ok());
  EXPECT_TRUE(AddShape("scalar=", shapes).ok());
  EXPECT_EQ(shapes.at("ids"), (Shape{1, 32}));
  EXPECT_EQ(shapes.at("a=b"), Shape{7});
  EXPECT_TRUE(shapes.at("scalar").empty());
  for (const char* bad : {"ids", "=1", "ids=1,", "ids=x", "ids=1 2", "ids=1;2", ""}) {
    EXPECT_THAT(AddShape(bad, shapes).message(), HasSubstr("INPUT=SIZE,SIZE")) << bad;
  }
}

}  // namespace
}  // namespace vitrine::adapters
