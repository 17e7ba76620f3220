#include "graph/manifest_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace vitrine::graph {
namespace {

using testing::HasSubstr;

Manifest Full() {
  return {.format = 1,
          .name = "home",
          .algorithm = "item_knn",
          .kind = ModelKind::kRanker,
          .inputs = {{"history", DType::kInt64, {-1, 512}}, {"age", DType::kInt64, {-1, -1}}},
          .outputs = {{"scores", DType::kFloat64, {-1, 12103}}},
          .files = {{"model.onnx", "aa"}, {"vocabulary.txt", "bb"}},
          .feature_spec_hash = "cc",
          .vocabulary_hash = "dd",
          .vocabulary_size = 12103,
          .snapshot = "ee",
          .window_from = {-5},
          .window_to = {1'700'000'000'000'000},
          .ordinal_time = true,
          .code_version = "0.1.0",
          .seed = std::numeric_limits<std::uint64_t>::max(),
          .train_spec = "{\"model\": \"item_knn\"}",
          .protocol = "leave-one-out",
          .metrics = {{"ndcg@10", {.1, .05, .15}}, {"not_same_day/ndcg@10", {.01, 0, .02}}},
          .references = {{"score", {0, .5}, {}, {.2, .3, .5}, 100},
                         {"level", {}, {"gold", "金"}, {.5, .25, .25}, 40}},
          .parent = "home:3",
          .data_licence = "research only"};
}

std::string With(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

Status Refusal(const std::string& text) { return ParseManifest(text).status(); }

TEST(ManifestJsonTest, KeepsEveryField) {
  const std::string text = ManifestToJson(Full());
  const Result<Manifest> read = ParseManifest(text);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(ManifestToJson(*read), text);
  EXPECT_EQ(read->kind, ModelKind::kRanker);
  EXPECT_EQ(read->seed, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(read->window_from.value, -5);
  EXPECT_EQ(read->inputs[0].shape, (Shape{-1, 512}));
  EXPECT_EQ(read->metrics.at("ndcg@10").low, .05);
  EXPECT_EQ(read->references[1].levels[1], "金");
  EXPECT_EQ(read->references[0].shares[2], .5);
  EXPECT_EQ(read->train_spec, "{\"model\": \"item_knn\"}");
  EXPECT_TRUE(read->ordinal_time);
}

TEST(ManifestJsonTest, ANumberThatIsNoneStaysNone) {
  Manifest manifest = Full();
  manifest.metrics["auc"].mean = std::nan("");
  const Result<Manifest> read = ParseManifest(ManifestToJson(manifest));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(std::isnan(read->metrics.at("auc").mean));
}

TEST(ManifestJsonTest, ErrorsNameTheField) {
  const std::string text = ManifestToJson(Full());
  EXPECT_THAT(Refusal(With(text, "\"name\": \"home\"", "\"name\": 7")).message(),
              HasSubstr("name is not a text"));
  EXPECT_THAT(Refusal(With(text, "\"dtype\": \"float64\"", "\"dtype\": \"half\"")).message(),
              HasSubstr("outputs[0].dtype names the unknown type 'half'"));
  EXPECT_THAT(Refusal(With(text, "\"ranker\"", "\"oracle\"")).message(),
              HasSubstr("unknown kind 'oracle'"));
  EXPECT_THAT(Refusal(With(text, "\"mean\": 0.1", "\"mean\": \"high\"")).message(),
              HasSubstr("metrics.ndcg@10.mean is not a number"));
  EXPECT_THAT(
      Refusal(With(text, "\"vocabulary_size\": 12103", "\"vocabulary_size\": -1")).message(),
      HasSubstr("vocabulary_size is not a whole number in range"));
  EXPECT_THAT(Refusal(With(text, "\"mean\"", "\"average\"")).message(),
              HasSubstr("metrics.ndcg@10.mean is missing"));
}

TEST(ManifestJsonTest, RefusesNewerFormatsAndOtherTexts) {
  const std::string text = ManifestToJson(Full());
  const Status newer = Refusal(With(text, "\"format\": 1", "\"format\": 2"));
  EXPECT_EQ(newer.code(), Code::kFailedPrecondition);
  EXPECT_THAT(newer.message(), HasSubstr("use a newer Vitrine"));
  EXPECT_EQ(Refusal(text.substr(0, 100)).code(), Code::kInvalidArgument);
  EXPECT_THAT(Refusal("[1]").message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(Refusal("{}").message(), HasSubstr("format is missing"));
}

}  // namespace
}  // namespace vitrine::graph
