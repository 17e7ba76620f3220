#include "train/trainer.h"

#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/feature_spec.h"
#include "graph/artifact_files.h"
#include "graph/builder.h"
#include "graph/golden_json.h"
#include "train/fake_reader.h"
#include "train/partial_run.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {
namespace fs = std::filesystem;

/// What the fake model was asked to do, over all fits of a test.
struct FitCall {
  std::size_t rows = 0;
  std::size_t weights = 0;
  bool validated = false;
  Chosen chosen;
  std::uint64_t seed = 0;
  std::string checkpoint;
  std::string fingerprint;
};
struct Record {
  std::vector<FitCall> fits;
  int cancel_at = -1;               ///< the fit (by number) that is cancelled half-way
  std::optional<double> all_score;  ///< what every item scores, instead
};

/// Scores every item by its popularity rank; settles on 3 epochs where it may validate.
class FakeModel final : public TrainableModel {
 public:
  FakeModel(std::shared_ptr<Record> record, std::int64_t bonus)
      : record_(std::move(record)), bonus_(bonus) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return {{"history", "history_items", "", {{"length", "20"}}}};
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    width_ = sequences.width;
    FitCall call;
    for (const History& history : sequences.users) {
      call.rows += history.size();
    }
    for (const std::vector<float>& weights : sequences.weights) {
      call.weights += weights.size();
    }
    call.chosen = context.chosen;
    call.seed = context.seed;
    call.checkpoint = context.checkpoint;
    call.fingerprint = context.fingerprint;
    FitOutcome outcome;
    outcome.chosen = context.chosen;
    if (context.validate) {
      const Result<double> value = context.validate(*this);
      if (!value.ok()) {
        return value.status();
      }
      call.validated = true;
      outcome.best = *value;
      outcome.chosen["epochs"] = 3;
    }
    record_->fits.push_back(call);
    if (record_->cancel_at == static_cast<int>(record_->fits.size()) - 1) {
      std::ofstream(context.checkpoint) << context.fingerprint;
      return Cancelled("cancelled in the fake fit");
    }
    outcome.notes["rows"] = static_cast<double>(call.rows);
    return outcome;
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    if (inputs.size() != 1) {
      return InvalidArgument("the fake reads one tensor");
    }
    scores.Reset(DType::kFloat64, {inputs[0].shape()[0], static_cast<std::int64_t>(width_)});
    const auto values = scores.values<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = ScoreOf(i % width_);
    }
    return Status::Ok();
  }

  Status ExportGraph(graph::Builder& b) const override {
    const graph::Value history = b.Input("history", DType::kInt64, {"batch", "length"});
    std::vector<double> row(width_);
    for (std::size_t i = 0; i < width_; ++i) {
      row[i] = ScoreOf(i);
    }
    const graph::Value rows = b.Slice(b.ShapeOf(history), 0, 0, 1);
    const graph::Value zeros =
        b.Filled<double>(b.Concat({rows, b.Constants({static_cast<std::int64_t>(width_)})}, 0), 0);
    const graph::Value scores =
        b.Add(zeros, b.Initializer("row", {static_cast<std::int64_t>(width_)}, row));
    b.Output("scores", scores, DType::kFloat64, {"batch", width_});
    return Status::Ok();
  }

 private:
  [[nodiscard]] double ScoreOf(std::size_t item) const {
    return record_->all_score.value_or(static_cast<double>(bonus_) - static_cast<double>(item));
  }
  std::shared_ptr<Record> record_;
  std::int64_t bonus_;
  std::size_t width_ = kFirstItem;
};

class TrainerTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = fs::temp_directory_path() / ("vitrine-trainer-" + std::string(info->name()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    factory_.algorithm = "fake";
    factory_.parameters = {{"bonus", std::int64_t{5}, "added to every score"}};
    factory_.create =
        [record = record_](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
      return std::unique_ptr<TrainableModel>(std::make_unique<FakeModel>(record, p.Int("bonus")));
    };
    request_.snapshot_dir = "the-snapshot";
    request_.spec.algorithm = "fake";
    request_.spec.seed = 42;
    request_.protocol.name = "leave-one-out";
    request_.out = (dir_ / "artifact").string();
    request_.code_version = "test";
  }
  void TearDown() override { fs::remove_all(dir_); }

  Result<TrainResult> Run() { return Train(request_, factory_, reader_, progress_); }

  fs::path dir_;
  std::shared_ptr<Record> record_ = std::make_shared<Record>();
  ModelFactory factory_;
  TrainRequest request_;
  Progress progress_;
  test::FakeReader reader_{data::test::MakeShop({.users = 80, .seed = 6})};
};

TEST_F(TrainerTest, WeightsGoToAModelThatTakesThemAndAreRefusedForAnother) {
  request_.spec.weights.by_event[EventType::kPurchase] = 3;
  const Status refused = Run().status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("'fake' cannot weigh"), std::string::npos) << refused.message();
  EXPECT_TRUE(record_->fits.empty());
  factory_.weighs_examples = true;
  ASSERT_TRUE(Run().ok());
  ASSERT_EQ(record_->fits.size(), 2U);
  EXPECT_EQ(record_->fits[0].weights, record_->fits[0].rows);
}

TEST_F(TrainerTest, AnEventThatWouldAgeTwiceIsRefused) {
  factory_.weighs_examples = true;
  factory_.parameters.push_back({"half_life_days", 0.0, "own"});
  request_.spec.weights.half_life_days = 30;
  ASSERT_TRUE(Run().ok());
  request_.out += "-2";
  request_.spec.parameters["half_life_days"] = 7.0;
  EXPECT_NE(Run().status().message().find("age twice"), std::string::npos);
}

TEST_F(TrainerTest, WeightsOfOneLeaveTheVeryArtifact) {
  const Result<TrainResult> without = Run();
  ASSERT_TRUE(without.ok()) << without.status().ToString();
  request_.out += "-2";
  request_.spec.weights.by_event = {{EventType::kPurchase, 1}, {EventType::kView, 1}};
  const Result<TrainResult> ones = Run();  // of an algorithm that cannot weigh, too
  ASSERT_TRUE(ones.ok()) << ones.status().ToString();
  EXPECT_EQ(ones->hash, without->hash);
  EXPECT_EQ(record_->fits.back().weights, 0U);
}

TEST_F(TrainerTest, SelectsOnTrainingAndShipsTheFitOnTrainingAndValidation) {
  const Result<TrainResult> result = Run();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_EQ(record_->fits.size(), 2U);
  EXPECT_TRUE(record_->fits[0].validated);
  EXPECT_TRUE(record_->fits[0].chosen.empty());
  EXPECT_FALSE(record_->fits[1].validated);
  EXPECT_EQ(record_->fits[1].chosen, (Chosen{{"epochs", 3}}));
  EXPECT_GT(record_->fits[1].rows, record_->fits[0].rows);
  EXPECT_NE(record_->fits[0].fingerprint, record_->fits[1].fingerprint);
  EXPECT_NE(record_->fits[0].checkpoint, record_->fits[1].checkpoint);
  EXPECT_EQ(record_->fits[0].seed, 42U);
  EXPECT_EQ(result->fitted_on, "training+validation");
  EXPECT_EQ(result->rows, record_->fits[1].rows);
  EXPECT_GT(result->validation.value_or(MetricValue()).mean, 0);
  EXPECT_EQ(result->chosen, (Chosen{{"epochs", 3}}));
  EXPECT_EQ(reader_.asked_dir, "the-snapshot");
  EXPECT_FALSE(fs::exists(request_.out + ".partial"));
}

TEST_F(TrainerTest, TheArtifactSaysHowItWasMade) {
  request_.spec.name = "home";
  request_.spec.parameters["bonus"] = std::int64_t{7};
  request_.spec.data_licence = "ours";
  const Result<TrainResult> result = Run();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const Result<graph::Artifact> artifact = graph::OpenArtifact(request_.out);
  ASSERT_TRUE(artifact.ok()) << artifact.status().ToString();
  const Manifest& m = artifact->manifest;
  EXPECT_EQ(artifact->hash, result->hash);
  EXPECT_EQ(m.name, "home");
  EXPECT_EQ(m.algorithm, "fake");
  EXPECT_EQ(m.seed, 42U);
  EXPECT_EQ(m.snapshot, "test-shop-6");
  EXPECT_EQ(m.protocol, "leave-one-out");
  EXPECT_EQ(m.code_version, "test");
  EXPECT_EQ(m.data_licence, "ours");
  EXPECT_EQ(m.vocabulary_size, 20U);
  EXPECT_TRUE(m.metrics.contains("validation/ndcg@10"));
  ASSERT_EQ(m.inputs.size(), 1U);
  EXPECT_EQ(m.inputs[0].name, "history");
  const auto spec = nlohmann::json::parse(m.train_spec);
  EXPECT_EQ(spec["parameters"]["bonus"], 7);
  EXPECT_EQ(spec["fitted_on"], "training+validation");
  EXPECT_EQ(*ChosenOf(m.train_spec), (Chosen{{"epochs", 3}}));
  std::vector<std::string> watched;
  for (const ReferenceHistogram& reference : m.references) {
    watched.push_back(reference.feature);
  }
  EXPECT_EQ(watched, (std::vector<std::string>{"history", "history.length", "scores"}));

  const std::string text = *graph::ReadArtifactFile(*artifact, graph::kFeatureSpecFile);
  const Result<data::FeatureSpec> features = data::FeatureSpec::Parse(text);
  ASSERT_TRUE(features.ok());
  EXPECT_EQ(features->Hash(), m.feature_spec_hash);
  const auto vocabulary =
      data::Vocabulary::Parse(*graph::ReadArtifactFile(*artifact, graph::kVocabularyFile));
  EXPECT_EQ(vocabulary->width(), features->width());
  const auto golden = graph::ParseGolden(*graph::ReadArtifactFile(*artifact, graph::kGoldenFile));
  ASSERT_TRUE(golden.ok()) << golden.status().ToString();
  ASSERT_EQ(golden->inputs.size(), 1U);
  EXPECT_EQ(golden->inputs[0].shape()[0], static_cast<std::int64_t>(golden->rows.size()));
  EXPECT_EQ(golden->rows[0].items[0], kFirstItem);
  EXPECT_EQ(golden->rows[0].scores[0], 7.0 - kFirstItem);
}

TEST_F(TrainerTest, EqualRequestsMakeEqualArtifacts) {
  const Result<TrainResult> first = Run();
  request_.out = (dir_ / "again").string();
  const Result<TrainResult> second = Run();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->hash, second->hash);
}

TEST_F(TrainerTest, ARefitFitsEverythingAndNamesItsParent) {
  request_.refit = true;
  request_.parent = "fake:3";
  const Result<TrainResult> result = Run();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->fitted_on, "everything");
  ASSERT_EQ(record_->fits.size(), 2U);
  const Result<TrainResult> plain = [&] {
    request_.refit = false;
    request_.out = (dir_ / "plain").string();
    return Run();
  }();
  ASSERT_TRUE(plain.ok());
  EXPECT_GT(result->rows, plain->rows);
  EXPECT_EQ(graph::OpenArtifact((dir_ / "artifact").string())->manifest.parent, "fake:3");
}

TEST_F(TrainerTest, ChoicesTakenOverSaveTheSelectingFit) {
  request_.refit = true;
  request_.chosen = Chosen{{"epochs", 12}};
  const Result<TrainResult> result = Run();
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(record_->fits.size(), 1U);
  EXPECT_EQ(record_->fits[0].chosen, (Chosen{{"epochs", 12}}));
  EXPECT_FALSE(result->validation.has_value());
}

TEST_F(TrainerTest, AProtocolThatTestsTheTrainingFitFitsOnce) {
  request_.protocol.fit_validation_for_test = false;
  const Result<TrainResult> result = Run();
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(record_->fits.size(), 1U);
  EXPECT_TRUE(record_->fits[0].validated);
  EXPECT_EQ(result->fitted_on, "training");
  EXPECT_TRUE(result->validation.has_value());
}

TEST_F(TrainerTest, ACancelledRunGoesOnWhereItStopped) {
  record_->cancel_at = 1;  // in the second fit
  const Result<TrainResult> cancelled = Run();
  EXPECT_EQ(cancelled.status().code(), Code::kCancelled);
  EXPECT_FALSE(fs::exists(request_.out));
  ASSERT_TRUE(fs::exists(request_.out + ".partial"));
  const std::string checkpoint = record_->fits[1].checkpoint;
  EXPECT_TRUE(fs::exists(checkpoint));

  const Result<TrainResult> resumed = Run();
  ASSERT_TRUE(resumed.ok()) << resumed.status().ToString();
  EXPECT_TRUE(resumed->resumed);
  ASSERT_EQ(record_->fits.size(), 3U);  // the selecting fit was not made again
  EXPECT_EQ(record_->fits[2].checkpoint, checkpoint);
  EXPECT_EQ(record_->fits[2].fingerprint, record_->fits[1].fingerprint);
  EXPECT_EQ(resumed->chosen, (Chosen{{"epochs", 3}}));
  ASSERT_TRUE(resumed->validation.has_value());
  EXPECT_FALSE(fs::exists(request_.out + ".partial"));
}

TEST_F(TrainerTest, AnotherRequestDoesNotGoOnFromIt) {
  record_->cancel_at = 1;
  EXPECT_EQ(Run().status().code(), Code::kCancelled);
  const std::string checkpoint = record_->fits[1].checkpoint;
  request_.spec.seed = 43;
  const Result<TrainResult> other = Run();
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->resumed);
  EXPECT_EQ(record_->fits.size(), 4U);
  EXPECT_NE(record_->fits[3].fingerprint, record_->fits[1].fingerprint);
}

TEST_F(TrainerTest, RefusalsComeBeforeTheWork) {
  fs::create_directories(request_.out);
  EXPECT_EQ(Run().status().code(), Code::kAlreadyExists);
  fs::remove_all(request_.out);
  request_.spec.parameters["bonos"] = std::int64_t{1};
  const Status unknown = Run().status();
  EXPECT_EQ(unknown.code(), Code::kInvalidArgument);
  EXPECT_NE(unknown.message().find("'bonus'"), std::string::npos) << unknown.message();
  EXPECT_TRUE(record_->fits.empty());
}

TEST_F(TrainerTest, ScoresThatAreNoNumbersMakeNoArtifact) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    record_->all_score = bad;
    const Status refused = Run().status();
    EXPECT_EQ(refused.code(), Code::kDataLoss);
    EXPECT_NE(refused.message().find("no finite numbers"), std::string::npos) << refused.message();
    EXPECT_NE(refused.message().find("learning_rate"), std::string::npos) << refused.message();
    EXPECT_FALSE(fs::exists(request_.out));
  }
}

TEST_F(TrainerTest, EqualScoresRankAsPopularityDoes) {
  const Result<TrainResult> by_rank = Run();
  ASSERT_TRUE(by_rank.ok());
  record_->all_score = 1;
  request_.out = (dir_ / "equal").string();
  const Result<TrainResult> equal = Run();
  ASSERT_TRUE(equal.ok()) << equal.status().ToString();
  EXPECT_EQ(equal->validation.value_or(MetricValue()).mean,
            by_rank->validation.value_or(MetricValue()).mean);
}

TEST_F(TrainerTest, NobodyToEvaluateIsSaidBeforeTheFit) {
  request_.protocol.minimum_length = 1000;
  const Status refused = Run().status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("none of 80 users"), std::string::npos) << refused.message();
  EXPECT_TRUE(record_->fits.empty());
}

TEST_F(TrainerTest, ResultJsonHoldsWhatAParentNeeds) {
  const Result<TrainResult> result = Run();
  ASSERT_TRUE(result.ok());
  const auto json = nlohmann::json::parse(TrainResultToJson(*result));
  EXPECT_EQ(json["artifact"], request_.out);
  EXPECT_EQ(json["hash"], result->hash);
  EXPECT_EQ(json["model"], "fake");
  EXPECT_EQ(json["chosen"]["epochs"], 3);
  EXPECT_TRUE(json["validation"]["ndcg@10"]["mean"].is_number());
}

TEST_F(TrainerTest, TheSelectingFitSaysWhatItTookAndHowGoodItWas) {
  const Result<TrainResult> result = Run();
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->checks.size(), 1U);  // the fake looks once
  EXPECT_GT(result->checks[0].value, 0);
  EXPECT_GE(result->checks[0].cpu_seconds, 0);
  EXPECT_GE(result->fit_cpu_seconds.value_or(-1), result->checks[0].cpu_seconds);
  const auto json = nlohmann::json::parse(TrainResultToJson(*result));
  EXPECT_EQ(json["checks"][0]["ndcg@10"], result->checks[0].value);
  EXPECT_EQ(json["checks"][0]["cpu_seconds"], result->checks[0].cpu_seconds);
  EXPECT_EQ(json["fit_cpu_seconds"], result->fit_cpu_seconds.value_or(-1));
  // Without a selecting fit there is nothing to say.
  request_.chosen = result->chosen;
  request_.out = (dir_ / "again").string();
  const Result<TrainResult> again = Run();
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(nlohmann::json::parse(TrainResultToJson(*again)).contains("fit_cpu_seconds"));
}

TEST(FitCourse, LooksAtValidationAreNotCounted) {
  FitCourse course;
  const auto burn = [](double seconds) {
    const FitCourse burning;
    while (burning.Seconds() < seconds) {
    }
  };
  const auto watched = course.Watch([&burn](const TrainableModel&) -> Result<double> {
    burn(0.2);
    return 0.25;
  });
  const FakeModel model(std::make_shared<Record>(), 1);
  burn(0.02);
  ASSERT_TRUE(watched(model).ok());
  burn(0.02);
  ASSERT_TRUE(watched(model).ok());
  ASSERT_EQ(course.checks().size(), 2U);
  EXPECT_EQ(course.checks()[1].value, 0.25);
  EXPECT_GE(course.checks()[0].cpu_seconds, 0.02);
  EXPECT_GE(course.checks()[1].cpu_seconds, 0.04);
  EXPECT_LT(course.Seconds(), 0.2);
}

TEST(PartialRun, ADamagedStateIsStartedAfresh) {
  const fs::path dir = fs::temp_directory_path() / "vitrine-partial-run";
  fs::remove_all(dir);
  const std::string out = (dir / "x").string();
  ASSERT_TRUE(PartialRun::Open(out, "print")->SaveSelection({{{{"epochs", 5}}, 0.5, {}}, {}}).ok());
  EXPECT_TRUE(PartialRun::Open(out, "print")->selection().has_value());
  std::ofstream(dir / "x.partial" / "run.json") << "{\"fingerprint\":\"print\",\"selection\":{}}";
  EXPECT_FALSE(PartialRun::Open(out, "print")->selection().has_value());
  std::ofstream(dir / "x.partial" / "run.json") << "{\"fing";
  EXPECT_FALSE(PartialRun::Open(out, "print")->resumed());
  fs::remove_all(dir);
}

}  // namespace
}  // namespace vitrine::train
