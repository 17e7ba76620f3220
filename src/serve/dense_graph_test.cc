#include "serve/dense_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <limits>

#include "serve/dense_scores.h"
#include "serve/dense_testing.h"
#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

using testing::HasSubstr;

Tensor Histories() {
  const std::array<std::int64_t, 9> items = {2, 3, 0, 0, 0, 0, 40, 40, 7};
  return Tensor::Of<std::int64_t>("history", {3, 3}, items);
}

std::unique_ptr<DenseGraph> Made(const graph::ItemVectors& vectors) {
  auto dense = DenseGraph::Make(SumEncoder(vectors), vectors);
  EXPECT_TRUE(dense.ok()) << dense.status().ToString();
  return *std::move(dense);
}

TEST(DenseGraph, ScoresAreTheProductsWithTheItemVectors) {
  for (const bool bias : {false, true}) {
    graph::ItemVectors vectors = RandomVectors(70, 20);
    vectors.bias = bias;
    const auto dense = Made(vectors);
    ASSERT_EQ(dense->outputs().size(), 1U);
    EXPECT_EQ(dense->outputs()[0].shape, (Shape{-1, 72}));
    const std::vector<Tensor> inputs = {Histories()};
    std::vector<Tensor> outputs;
    ASSERT_TRUE(dense->Run(inputs, outputs).ok());
    ASSERT_EQ(outputs.size(), 1U);
    EXPECT_EQ(outputs[0].name(), "scores");
    ASSERT_EQ(outputs[0].shape(), (Shape{3, 72}));
    std::vector<Tensor> query;
    ASSERT_TRUE(SumEncoder(vectors)->Run(inputs, query).ok());
    const std::size_t given = vectors.query_width();
    for (std::size_t q = 0; q < 3; ++q) {
      for (std::size_t item = 0; item < 72; ++item) {
        double want = bias ? static_cast<double>(vectors.values[item * 20 + 19]) : 0;
        for (std::size_t j = 0; j < given; ++j) {
          want += static_cast<double>(query[0].values<float>()[q * given + j]) *
                  static_cast<double>(vectors.values[item * 20 + j]);
        }
        EXPECT_NEAR(outputs[0].values<float>()[q * 72 + item], want, 1e-4);
      }
    }
  }
}

TEST(DenseGraph, ASearchFindsWhatTheWholeRowSaysBitForBit) {
  const graph::ItemVectors vectors = RandomVectors(1000, 24, /*levels=*/3);
  const auto dense = Made(vectors);
  const std::array<std::int64_t, 3> items = {5, 900, 77};
  const std::vector<Tensor> inputs = {Tensor::Of<std::int64_t>("history", {1, 3}, items)};
  std::vector<Tensor> outputs;
  ASSERT_TRUE(dense->Run(inputs, outputs).ok());
  const std::span<const float> row = outputs[0].values<float>();
  std::vector<std::uint64_t> skip(search::SkipWords(1002), 0x10);
  skip[0] |= 3;
  std::vector<search::RankedItem> want;
  search::SelectTop(row, skip, 30, want);

  DenseMemory memory;
  DenseScores scores(*dense, memory);
  std::vector<Tensor> encoded;
  ASSERT_TRUE(scores.Ask(inputs, encoded).ok());
  std::vector<search::RankedItem> top;
  scores.FindBest(30, skip, {}, top);
  EXPECT_EQ(top, want);
  EXPECT_TRUE(std::equal(row.begin(), row.end(), scores.AllPlain().begin()));
  for (const search::RankedItem& item : want) {
    EXPECT_EQ(scores.Plain(item.index), item.score);
  }
}

TEST(DenseGraph, VectorsAndEncoderMustFit) {
  const graph::ItemVectors narrow = RandomVectors(4, 8);
  const graph::ItemVectors wide = RandomVectors(4, 9);
  EXPECT_THAT(DenseGraph::Make(SumEncoder(narrow), wide).status().message(),
              HasSubstr("queries of 9 values"));
  graph::ItemVectors biased = wide;
  biased.bias = true;
  EXPECT_TRUE(DenseGraph::Make(SumEncoder(narrow), biased).ok());
  graph::ItemVectors broken = narrow;
  broken.values[3 * 8] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(DenseGraph::Make(SumEncoder(narrow), broken).status().message(),
              HasSubstr("item vector 3"));
}

TEST(DenseGraph, AQueryThatIsNotFiniteIsTheModelsFailure) {
  const graph::ItemVectors vectors = RandomVectors(4, 8);
  auto dense = DenseGraph::Make(
      std::make_unique<FakeGraph<float>>(
          8,
          [](auto, std::span<float> query) { query[1] = std::numeric_limits<float>::quiet_NaN(); }),
      vectors);
  ASSERT_TRUE(dense.ok());
  const std::vector<Tensor> inputs = {Histories()};
  std::vector<Tensor> outputs;
  const Status status = (*dense)->Run(inputs, outputs);
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("not finite"));
}

class EncoderRuntime final : public ModelRuntime {
 public:
  Result<std::unique_ptr<LoadedGraph>> Load(const std::string&, const RuntimeOptions&) override {
    return SumEncoder(RandomVectors(4, 8));
  }
};

class DenseFolder : public testing::Test {
 protected:
  DenseFolder() {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    dir_ = (std::filesystem::temp_directory_path() /
            ("vitrine_dense_" + name + std::to_string(::getpid())))
               .string();
  }
  ~DenseFolder() override { std::filesystem::remove_all(dir_); }
  graph::Artifact Written(const std::string& items) {
    Manifest manifest;
    manifest.name = "dense";
    const std::vector<std::string> ids = ItemNames(4);
    std::map<std::string, std::string> files = {{"model.onnx", "bytes"},
                                                {"featurespec.json", HistorySpec(ids, 3).ToJson()},
                                                {"vocabulary.txt", data::Vocabulary(ids).ToText()}};
    if (!items.empty()) {
      files["items.f32"] = items;
    }
    return graph::WriteArtifact(dir_, manifest, files).value();
  }
  std::string dir_;
  EncoderRuntime runtime_;
};

TEST_F(DenseFolder, ItemVectorsMakeAnArtifactsGraphDense) {
  auto parts = ReadModelParts(Written(*graph::ItemVectorsToBytes(RandomVectors(4, 8))), runtime_);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  EXPECT_EQ(parts->graph->outputs()[0].shape, (Shape{-1, 6}));
  FakeLog log;
  const ItemStates items(log);
  const auto model = ServedModel::Make("dense:1", std::move(*parts), log, items);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_NE((*model)->dense(), nullptr);
}

TEST_F(DenseFolder, WithoutThemItIsTheGraphAlone) {
  const auto parts = ReadModelParts(Written(""), runtime_);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts->graph->outputs()[0].shape, (Shape{-1, 8}));
}

TEST_F(DenseFolder, VectorsOfAnotherVocabularyAreRefused) {
  const Status status =
      ReadModelParts(Written(*graph::ItemVectorsToBytes(RandomVectors(5, 8))), runtime_).status();
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("vectors of 7 items, vocabulary.txt names 6"));
}

TEST_F(DenseFolder, AFileThatIsNoneSaysSo) {
  const Status status = ReadModelParts(Written("VTRITEMS and nothing more"), runtime_).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("items.f32"));
}

}  // namespace
}  // namespace vitrine::serve
