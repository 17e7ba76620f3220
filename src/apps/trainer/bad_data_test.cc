// Data and fits that go wrong, for each kind of model: a counting one, one of factors, a network and one that joins
// models. Each is either answered by an artifact that opens or refused with the reason; what stood before stands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "apps/trainer/algorithms.h"
#include "apps/trainer/fit_testing.h"
#include "graph/artifact_files.h"
#include "graph/full_disk_testing.h"
#include "graph/golden_json.h"
#include "train/fake_reader.h"
#include "train/models/bpr.h"
#include "train/models/hybrid_testing.h"
#include "train/sequences.h"
#include "train/trainer.h"

namespace vitrine::apps {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BadData : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "bad-data-" + GetParam();
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    request_.snapshot_dir = "the-snapshot";
    request_.spec = SpecOf(GetParam());
    request_.protocol.name = "leave-one-out";
    request_.out = dir_ + "/artifact";
    request_.code_version = "test";
  }
  void TearDown() override { fs::remove_all(dir_); }

  Result<train::TrainResult> Train(const data::test::Shop& shop) {
    train::test::FakeReader reader(shop);
    const auto factory = FindAlgorithm(request_.spec.algorithm);
    return train::Train(request_, **factory, reader, {});
  }
  /// An artifact that opens, or a refusal that says why and leaves none.
  void ExpectAnswer(const Result<train::TrainResult>& result, const std::string& reason) {
    if (reason.empty()) {
      ASSERT_TRUE(result.ok()) << result.status().ToString();
      EXPECT_TRUE(graph::OpenArtifact(request_.out).ok());
      return;
    }
    EXPECT_FALSE(result.ok());
    EXPECT_THAT(result.status().message(), HasSubstr(reason));
    EXPECT_NE(result.status().code(), Code::kInternal);
    EXPECT_FALSE(fs::exists(request_.out));
  }
  [[nodiscard]] bool Is(const std::string& algorithm) const {
    return request_.spec.algorithm == algorithm;
  }

  std::string dir_;
  train::TrainRequest request_;
};

TEST_P(BadData, ASplitWithoutACaseIsRefused) {
  ExpectAnswer(Train(ShopOf({{0, 1}, {1, 2}, {2}}, 3)),
               "finds nobody to evaluate: none of 3 users");
}

TEST_P(BadData, OneUser) {
  // An order is learnt from what users took next; what this one took stands in nobody else's history.
  ExpectAnswer(Train(ShopOf({{0, 1, 2, 3, 4, 5, 6, 7}}, 8)),
               Is("hybrid") ? "raise candidates" : "");
}

TEST_P(BadData, OneItem) {
  request_.protocol.history = evaluate::HistoryRule::kKept;
  const std::vector<std::vector<std::uint32_t>> users(12, std::vector<std::uint32_t>(6, 0));
  ExpectAnswer(Train(ShopOf(users, 1)), Is("hybrid") ? "raise candidates" : "");
}

TEST_P(BadData, OneItemThatEverybodyHadIsNoCase) {
  const std::vector<std::vector<std::uint32_t>> users(12, std::vector<std::uint32_t>(6, 0));
  ExpectAnswer(Train(ShopOf(users, 1)), "finds nobody to evaluate");
}

TEST_P(BadData, EqualCountsStandInTheOrderOfTheVocabulary) {
  ExpectAnswer(Train(ShopOf(Rounds(24, 8), 8)), "");
  const auto artifact = graph::OpenArtifact(request_.out);
  ASSERT_TRUE(artifact.ok());
  const auto golden = graph::ParseGolden(*graph::ReadArtifactFile(*artifact, graph::kGoldenFile));
  ASSERT_TRUE(golden.ok());
  const graph::GoldenRow& nobody = golden->rows[0];  // the empty history
  ASSERT_EQ(nobody.items.size(), 8U);
  if (Is("popularity") || Is("item_knn") || Is("als") || Is("hybrid")) {
    for (std::size_t i = 0; i < nobody.items.size(); ++i) {
      EXPECT_EQ(nobody.scores[i], nobody.scores[0]);
      EXPECT_EQ(nobody.items[i], kFirstItem + i);
    }
  }
}

TEST_P(BadData, AnItemBeyondTheVocabularyIsNamed) {
  const auto factory = FindAlgorithm(request_.spec.algorithm);
  const auto parameters =
      train::Parameters::Resolve((*factory)->parameters, request_.spec.parameters);
  const auto members = train::CompleteMembers(**factory, request_.spec.members);
  const auto model = train::MakeModel(**factory, *parameters, *members);
  ASSERT_TRUE(model.ok());
  train::TrainingSequences sequences{.users = {}, .width = 6, .ordinal_time = true};
  for (int u = 0; u < 20; ++u) {
    sequences.users.push_back(train::test::HistoryForTest({2, 3, u == 19 ? 77U : 4U, 5}));
  }
  const data::FeatureSpec features = train::test::FeaturesForTest(**model, 6);
  train::FitContext context;
  context.features = &features;
  const Status refused = (*model)->Fit(sequences, context).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("item 77, the vocabulary ends at 5"));
}

TEST_P(BadData, AFullDiskLeavesWhatStoodAndTheSameRequestGoesOn) {
  const data::test::Shop shop = ShopOf(Rounds(24, 8), 8);
  const std::string earlier = dir_ + "/earlier";
  request_.out = earlier;
  const auto first = Train(shop);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  request_.out = dir_ + "/artifact";
  {
    // The run's own state fits; a checkpoint, or the artifact's largest file, does not.
    const graph::test::FileSizeLimit full(1000);
    const auto failed = Train(shop);
    EXPECT_EQ(failed.status().code(), Code::kUnavailable) << failed.status().ToString();
    EXPECT_THAT(failed.status().message(), HasSubstr("File too large"));
  }
  EXPECT_FALSE(fs::exists(request_.out));
  const auto stands = graph::OpenArtifact(earlier);
  ASSERT_TRUE(stands.ok()) << stands.status().ToString();
  EXPECT_EQ(stands->hash, first->hash);
  const auto resumed = Train(shop);
  ASSERT_TRUE(resumed.ok()) << resumed.status().ToString();
  EXPECT_TRUE(resumed->resumed);
  EXPECT_EQ(resumed->hash, first->hash) << "what was interrupted ends as what was not";
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 2);
}

INSTANTIATE_TEST_SUITE_P(Models, BadData,
                         testing::Values("popularity", "item_knn", "als", "bpr", "sasrec",
                                         "bert4rec", "hybrid"),
                         [](const auto& model) { return std::string(model.param); });

TEST(ExplodingFit, OfFactorsIsRefusedWithWhatToLower) {
  train::TrainingSequences sequences{.users = {}, .width = 12, .ordinal_time = true};
  for (ItemIndex u = 0; u < 20; ++u) {
    sequences.users.push_back(
        train::test::HistoryForTest({kFirstItem + u % 10, kFirstItem + (u + 1) % 10}));
  }
  const auto model = train::MakeBpr({.factors = 8, .learning_rate = 1e30, .epochs = 4});
  const Status refused = model->Fit(sequences, {.seed = 1}).status();
  EXPECT_EQ(refused.code(), Code::kDataLoss);
  EXPECT_THAT(refused.message(), HasSubstr("lower learning_rate"));
}

}  // namespace
}  // namespace vitrine::apps
