#include "apps/vitrine/explaining.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "adapters/files/artifact_store.h"
#include "adapters/memory/memory_event_log.h"
#include "adapters/sqlite/vitrine_db.h"
#include "serve/fake_shop.h"

namespace vitrine::apps {
namespace {

using testing::HasSubstr;

// Only the place tells: the newest counts most, or the oldest.
void ByPlace(std::span<const std::int64_t> history, std::span<double> scores, bool newest) {
  for (std::size_t i = 0; i < history.size(); ++i) {
    const std::int64_t item = history[i];
    const double cube = std::pow(static_cast<double>(history.size() - i), 3);
    const double weight = newest ? 1 / cube : cube;
    for (std::size_t j = kFirstItem; item >= kFirstItem && j < scores.size(); ++j) {
      scores[j] += weight * (1 + 0.01 * static_cast<double>(j));
    }
  }
}

class ExplainingTest : public testing::Test {
 protected:
  ExplainingTest()
      : folder_(std::filesystem::temp_directory_path() / "explaining"),
        explainer_(log_),
        shop_(10) {
    std::filesystem::create_directories(folder_ / "explanations");
    auto db = sqlite::VitrineDb::Open((folder_ / "vitrine.db").string());
    CHECK(db.ok());
    db_ = *std::move(db);
    auto store = files::FileArtifactStore::Open((folder_ / "artifacts").string());
    CHECK(store.ok());
    artifacts_ = std::make_unique<files::FileArtifactStore>(*std::move(store));
    registry_ = std::make_unique<registry::Registry>(*db_, *artifacts_);
    shop_.make["place:1"] = [this] {
      return serve::FakeParts<double>("place", shop_.names, 8, [this](auto history, auto scores) {
        ByPlace(history, scores, newest_counts_);
      });
    };
    EXPECT_TRUE(shop_.Serve("place:1").ok());
    explaining_ = std::make_unique<Explaining>(
        Explaining::Parts{.log = &log_,
                          .models = &shop_.models,
                          .recommender = shop_.recommender.get(),
                          .explainer = &explainer_,
                          .registry = registry_.get(),
                          .folder = (folder_ / "explanations").string(),
                          .live_every = std::chrono::minutes(0)});
  }
  ~ExplainingTest() override { std::filesystem::remove_all(folder_); }

  void Answer(int count) {
    for (int i = 0; i < count; ++i) {
      Impression impression;
      impression.request_id = "r" + std::to_string(answers_++);
      impression.model = "place:1";
      impression.ts = Micros{100};
      for (int e = 0; e < 6; ++e) {
        impression.history.push_back({.item_id = "item" + std::to_string(e), .ts = Micros{e}});
      }
      ASSERT_TRUE(log_.AppendImpression(impression).ok());
    }
  }
  void KeepReference() {
    explain::GlobalAttributions attributions;
    History history;
    for (ItemIndex item = kFirstItem; item < kFirstItem + 6; ++item) {
      history.push_back({.item = item});
    }
    const auto model = shop_.models.FindModel("place:1");
    const serve::GraphScorer scorer(model->graph(), model->spec(), model->space().width());
    ASSERT_TRUE(attributions.Add(scorer, history).ok());
    std::ofstream(folder_ / "explanations" / "place:1.json")
        << ToJson(attributions.Report("place:1", "holdout", Micros{1}, model->vocabulary()));
  }

  std::filesystem::path folder_;
  bool newest_counts_ = true;
  int answers_ = 0;
  adapters::MemoryEventLog log_;
  explain::ScoreExplainer explainer_;
  std::unique_ptr<sqlite::VitrineDb> db_;
  std::unique_ptr<files::FileArtifactStore> artifacts_;
  std::unique_ptr<registry::Registry> registry_;
  serve::FakeShop shop_;
  std::unique_ptr<Explaining> explaining_;
};

TEST_F(ExplainingTest, ALookComparesLiveAnswersWithTheReport) {
  Answer(40);
  explaining_->LookAtAnswers({});
  EXPECT_TRUE(explaining_->Stabilities().empty()) << "there is no report to compare with";
  ASSERT_NO_FATAL_FAILURE(KeepReference());
  explaining_->LookAtAnswers({});
  ASSERT_TRUE(explaining_->Stabilities().contains("place:1"));
  EXPECT_EQ(explaining_->Stabilities().at("place:1").answers, 40U);
  EXPECT_GT(explaining_->Stabilities().at("place:1").ndcg, 0.999);
  newest_counts_ = false;  // as if the answers had come to rest on something else
  explaining_->LookAtAnswers({});
  EXPECT_LT(explaining_->Stabilities().at("place:1").ndcg, explain::kSameAttributions);
}

TEST_F(ExplainingTest, AFewAnswersSayNothing) {
  ASSERT_NO_FATAL_FAILURE(KeepReference());
  Answer(5);
  explaining_->LookAtAnswers({});
  EXPECT_TRUE(explaining_->Stabilities().empty());
}

TEST_F(ExplainingTest, ALookThatIsStoppedLeavesWhatWasThere) {
  ASSERT_NO_FATAL_FAILURE(KeepReference());
  Answer(40);
  explaining_->LookAtAnswers({});
  std::stop_source stop;
  stop.request_stop();
  Answer(20);
  explaining_->LookAtAnswers(stop.get_token());
  EXPECT_EQ(explaining_->Stabilities().at("place:1").answers, 40U);
}

TEST_F(ExplainingTest, BadJobsAreRefusedWithWhatIsWrong) {
  const auto settings = Settings::Load("", [](const std::string&) { return std::nullopt; }, {});
  ASSERT_TRUE(settings.ok());
  const JobBody body = explaining_->Job(folder_.string(), {}, *settings);
  const auto refused = [&](const std::string& spec) {
    loop::Job job;
    job.spec = spec;
    return body(job, (folder_ / "job").string(), {}).status();
  };
  EXPECT_THAT(refused("[]").message(), HasSubstr("JSON object"));
  EXPECT_THAT(refused(R"({"versoin":"a:1"})").message(), HasSubstr("version"));
  EXPECT_THAT(refused(R"({"cases":0})").message(), HasSubstr("1 to 5000"));
  EXPECT_EQ(refused(R"({"version":"moon:1"})").code(), Code::kNotFound);
  EXPECT_EQ(explaining_->ExplainModel("moon:1", "", "en").status().code(), Code::kNotFound);
  EXPECT_EQ(explaining_->ExplainModel("moon:1", "", "fr").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::apps
