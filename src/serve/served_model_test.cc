#include "serve/served_model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

#include "graph/artifact_files.h"
#include "serve/fake_graph.h"
#include "serve/fake_log.h"
#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

class FakeRuntime final : public ModelRuntime {
 public:
  Result<std::unique_ptr<LoadedGraph>> Load(const std::string& path,
                                            const RuntimeOptions&) override {
    loaded = path;
    return std::unique_ptr<LoadedGraph>(std::make_unique<FakeGraph<float>>(6, Neighbours<float>));
  }
  std::string loaded;
};

class Folder : public testing::Test {
 protected:
  Folder() {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    dir = (std::filesystem::temp_directory_path() /
           ("vitrine_served_model_" + name + std::to_string(::getpid())))
              .string();
    const std::vector<std::string> ids = ItemNames(4);
    Manifest manifest;
    manifest.name = "near";
    const auto written = graph::WriteArtifact(dir, manifest,
                                              {{"model.onnx", "bytes"},
                                               {"featurespec.json", HistorySpec(ids, 3).ToJson()},
                                               {"vocabulary.txt", data::Vocabulary(ids).ToText()}});
    EXPECT_TRUE(written.ok()) << written.status().ToString();
  }
  ~Folder() override { std::filesystem::remove_all(dir); }
  std::string dir;
  FakeRuntime runtime;
  FakeLog log;
  ItemStates items{log};
};

TEST_F(Folder, ReadsAllPartsOfAnArtifact) {
  auto parts = ReadModelParts(graph::OpenArtifact(dir).value(), runtime);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  EXPECT_EQ(parts->manifest.name, "near");
  EXPECT_EQ(parts->vocabulary.width(), 6U);
  EXPECT_EQ(runtime.loaded, dir + "/model.onnx");
  ASSERT_TRUE(log.InternItem("stranger").ok());
  ASSERT_TRUE(log.InternItem("item2").ok());
  const auto model = ServedModel::Make("near:1", std::move(*parts), log, items);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const ItemSpace& space = (*model)->space();
  const auto number_of = [this](std::string_view id) {
    const std::optional<data::ItemNumber> number = log.FindItem(id);
    EXPECT_TRUE(number.has_value()) << id;
    return number.value_or(0);
  };
  EXPECT_EQ(space.IndexOf(number_of("stranger")), kUnknownItem);
  for (ItemIndex index = kFirstItem; index < space.width(); ++index) {
    const data::ItemNumber number = number_of((*model)->vocabulary().Id(index));
    EXPECT_EQ(space.NumberOf(index), number);
    EXPECT_EQ(space.IndexOf(number), index);
  }
  // What comes later cannot be in the vocabulary: the map need not grow.
  EXPECT_EQ(space.IndexOf(log.InternItem("later").value()), kUnknownItem);
  EXPECT_EQ((*model)->source(), "model:near");
  EXPECT_EQ((*model)->history_limit(), 3U);
  EXPECT_FALSE((*model)->uses_user());
  EXPECT_GT((*model)->warm_seconds(), 0);
}

TEST_F(Folder, RefusesAChangedFileByName) {
  graph::Artifact artifact = graph::OpenArtifact(dir).value();
  std::ofstream(dir + "/vocabulary.txt", std::ios::app) << "item9\n";
  const Status status = ReadModelParts(std::move(artifact), runtime).status();
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_NE(status.message().find("vocabulary.txt"), std::string::npos);
}

// Whatever the sequences select, features of what was kept are features of the whole history.
TEST(KeepWhatCounts, ChangesNoTensor) {
  const std::vector<std::string> ids = ItemNames(8);
  FakeLog log;
  const ItemStates items(log);
  std::mt19937 engine(5);
  const std::vector<std::vector<data::FeatureDef>> specs = {
      {{.name = "history", .op = "history_items", .options = {{"length", "4"}}}},
      {{.name = "history",
        .op = "history_items",
        .options = {{"length", "5"}, {"distinct", "true"}, {"events", "purchase,cart"}}},
       {.name = "age",
        .op = "history_ages",
        .options = {{"length", "5"},
                    {"distinct", "true"},
                    {"events", "purchase,cart"},
                    {"unit", "basket"}}}},
      {{.name = "history",
        .op = "history_items",
        .options = {{"length", "3"}, {"events", "purchase"}}},
       {.name = "views",
        .op = "history_items",
        .options = {{"length", "4"}, {"events", "view"}, {"sequence", "views"}}}}};
  for (const auto& defs : specs) {
    ModelParts parts = FakeParts<float>("m", ids, 3, Neighbours<float>);
    auto spec = data::FeatureSpec::Fit(defs, {}, {}, parts.vocabulary, Micros{0});
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    parts.spec = std::move(*spec);
    const auto made = ServedModel::Make("m:1", std::move(parts), log, items);
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    const ServedModel& model = **made;
    for (int round = 0; round < 200; ++round) {
      History history;
      std::vector<std::uint32_t> from;
      for (std::uint32_t i = 0; i < engine() % 20; ++i) {
        const EventType types[] = {EventType::kPurchase, EventType::kView, EventType::kCart};
        history.push_back({.item = static_cast<ItemIndex>(1 + engine() % 8),
                           .ts = Micros{i},
                           .type = types[engine() % 3],
                           .basket = i / 3});
        from.push_back(i);
      }
      const History whole = history;
      model.KeepWhatCounts(history, from);
      EXPECT_LE(history.size(), model.history_limit());
      for (std::size_t i = 0; i < history.size(); ++i) {
        EXPECT_EQ(history[i], whole[from[i]]);
      }
      std::vector<Tensor> want;
      std::vector<Tensor> got;
      const data::FeatureInput all{.history = whole};
      const data::FeatureInput kept{.history = history};
      ASSERT_TRUE(model.spec().Apply(std::span(&all, 1), want).ok());
      ASSERT_TRUE(model.spec().Apply(std::span(&kept, 1), got).ok());
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t t = 0; t < want.size(); ++t) {
        EXPECT_EQ(got[t].shape(), want[t].shape());
        EXPECT_TRUE(std::ranges::equal(got[t].bytes(), want[t].bytes()));
      }
    }
  }
}

}  // namespace
}  // namespace vitrine::serve
