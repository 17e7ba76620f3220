#include "adapters/onnxruntime/graph_scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/onnxruntime/graph_testing.h"
#include "adapters/onnxruntime/runtime.h"
#include "graph/artifact_files.h"
#include "graph/builder.h"

namespace vitrine::adapters {
namespace {

using graph::Builder;
using graph::Value;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kWidth = 5;  // padding, unknown, and three items

/// How often each item stands in the history.
std::string CountModel(DType type, const char* input = "history", std::size_t width = kWidth) {
  Builder b("count");
  const Value history = b.Input(input, DType::kInt64, {"batch", "length"});
  const Value rows = b.Slice(b.ShapeOf(history), 0, 0, 1);
  const Value zeros =
      b.Filled<double>(b.Concat({rows, b.Constants({static_cast<std::int64_t>(width)})}, 0), 0);
  const Value ones = b.Filled<double>(b.ShapeOf(history), 1);
  b.Output("scores", b.Cast(b.ScatterAdd(zeros, history, ones, 1), type), type, {"batch", width});
  return *b.Finish();
}

data::Vocabulary Items() { return data::Vocabulary({"a", "b", "c"}); }

data::FeatureSpec Features() {
  data::Interactions none;
  none.user_begin = {0};
  return *data::FeatureSpec::Fit(
      {{.name = "history", .op = "history_items", .source = "", .options = {{"length", "4"}}}},
      none, {}, Items(), Micros{1});
}

Result<std::unique_ptr<GraphScorer>> ScorerOf(const std::string& model, std::size_t batch = 64) {
  return GraphScorer::Create(LoadedForTest(model), std::make_shared<data::FeatureSpec>(Features()),
                             kWidth, batch);
}

History Of(const std::vector<ItemIndex>& items) {
  History history;
  for (const ItemIndex item : items) {
    history.push_back({.item = item, .ts = {}, .type = EventType::kView, .basket = 0});
  }
  return history;
}

TEST(GraphScorerTest, ScoresInDoubleWhateverTheGraphsType) {
  for (const DType type : {DType::kFloat32, DType::kFloat64}) {
    const auto scorer = ScorerOf(CountModel(type));
    ASSERT_TRUE(scorer.ok()) << scorer.status().ToString();
    std::vector<double> scores;
    ASSERT_EQ((*scorer)->Score(std::vector<History>{Of({2, 3, 2})}, scores), Status());
    ASSERT_EQ(scores.size(), (*scorer)->width());
    EXPECT_THAT(std::vector<double>(scores.begin() + 2, scores.end()), ElementsAre(2, 1, 0));
  }
}

TEST(GraphScorerTest, BatchesAreInvisible) {
  std::vector<History> histories;
  for (std::size_t i = 0; i < 11; ++i) {
    histories.push_back(Of(std::vector<ItemIndex>(i % 5, static_cast<ItemIndex>(2 + i % 3))));
  }
  std::vector<double> whole;
  ASSERT_TRUE((*ScorerOf(CountModel(DType::kFloat64), 100))->Score(histories, whole).ok());
  std::vector<double> cut = {1, 2, 3};
  ASSERT_TRUE((*ScorerOf(CountModel(DType::kFloat64), 3))->Score(histories, cut).ok());
  ASSERT_EQ(whole.size(), 11 * kWidth);
  ASSERT_EQ(cut.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (i % kWidth >= kFirstItem) {  // padding's count depends on the batch's longest history
      EXPECT_EQ(cut[i], whole[i]) << i;
    }
  }
}

TEST(GraphScorerTest, RefusesGraphsOfAnotherVocabularyOrOtherInputs) {
  EXPECT_THAT(ScorerOf(CountModel(DType::kFloat64, "history", 7)).status().message(),
              HasSubstr("not [rows, 5]"));
  EXPECT_THAT(ScorerOf(CountModel(DType::kFloat64, "places")).status().message(),
              HasSubstr("input 'places', which its feature spec does not make"));
  EXPECT_THAT(ScorerOf(CountModel(DType::kInt64)).status().message(),
              HasSubstr("float32 or float64"));
}

class LoadArtifactTest : public testing::Test {
 protected:
  void Write(const data::Vocabulary& vocabulary) {
    Manifest manifest;
    manifest.name = "count";
    const auto written =
        graph::WriteArtifact(dir_, manifest,
                             {{std::string(graph::kModelFile), CountModel(DType::kFloat64)},
                              {std::string(graph::kFeatureSpecFile), Features().ToJson()},
                              {std::string(graph::kVocabularyFile), vocabulary.ToText()}});
    ASSERT_TRUE(written.ok()) << written.status().ToString();
  }

  FolderForTest folder_;
  std::string dir_ = folder_.path() + "/artifact";
  std::unique_ptr<serve::ModelRuntime> runtime_ = *MakeOnnxRuntime();
};

TEST_F(LoadArtifactTest, AnArtifactScores) {
  Write(Items());
  const auto loaded = LoadArtifact(dir_, *runtime_);
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(loaded->manifest.name, "count");
  EXPECT_EQ(loaded->vocabulary->Find("c"), 4U);
  std::vector<double> scores;
  ASSERT_TRUE(loaded->scorer->Score(std::vector<History>{Of({4})}, scores).ok());
  EXPECT_EQ(scores[4], 1);
  EXPECT_EQ(loaded->scorer->Score(std::vector<History>{Of({5})}, scores).code(),
            Code::kInvalidArgument);
}

TEST_F(LoadArtifactTest, FilesOfTwoArtifactsAreRefused) {
  Write(data::Vocabulary({"a", "b"}));
  const auto loaded = LoadArtifact(dir_, *runtime_);
  EXPECT_EQ(loaded.status().code(), Code::kDataLoss);
  EXPECT_THAT(loaded.status().message(), HasSubstr("not of one artifact"));
}

// As many items in another order: nothing but the hash can tell.
TEST_F(LoadArtifactTest, AVocabularyOfAnotherArtifactIsRefused) {
  Write(Items());
  std::ofstream(dir_ + "/vocabulary.txt", std::ios::trunc)
      << data::Vocabulary({"b", "a", "c"}).ToText();
  const auto loaded = LoadArtifact(dir_, *runtime_);
  EXPECT_EQ(loaded.status().code(), Code::kDataLoss);
  EXPECT_THAT(loaded.status().message(), HasSubstr("vocabulary.txt"));
  EXPECT_THAT(loaded.status().message(), HasSubstr("sha256"));
}

TEST_F(LoadArtifactTest, DamageIsNamed) {
  Write(Items());
  std::ofstream(dir_ + "/vocabulary.txt", std::ios::app) << "d\n";
  const auto loaded = LoadArtifact(dir_, *runtime_);
  EXPECT_EQ(loaded.status().code(), Code::kDataLoss);
  EXPECT_THAT(loaded.status().message(), HasSubstr("vocabulary.txt"));
}

}  // namespace
}  // namespace vitrine::adapters
