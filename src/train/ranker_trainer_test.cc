#include "train/ranker_trainer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "graph/artifact_files.h"
#include "graph/builder.h"
#include "graph/golden_json.h"
#include "train/fake_reader.h"
#include "train/ranker_rows.h"
#include "train/table_features.h"

namespace vitrine::train {
namespace {
namespace fs = std::filesystem;

/// What the fake ranker was asked to do, over all fits of a test.
struct FitCall {
  std::size_t rows = 0;
  std::size_t watched = 0;
  Chosen chosen;
  std::vector<RankerColumn> columns;
};
struct Record {
  std::vector<FitCall> fits;
  int cancel_at = -1;
};

/// Says sigmoid(share's logit + the first column / 2), twice too bold: something is left to calibrate.
class FakeRanker final : public TrainableRanker {
 public:
  explicit FakeRanker(std::shared_ptr<Record> record) : record_(std::move(record)) {}

  Result<FitOutcome> Fit(const LabelledRows& rows, const LabelledRows* watched,
                         const RankerContext& context) override {
    record_->fits.push_back(
        {rows.rows(), watched == nullptr ? 0 : watched->rows(), context.chosen, rows.columns});
    if (record_->cancel_at == static_cast<int>(record_->fits.size()) - 1) {
      return Cancelled("cancelled in the fake fit");
    }
    columns_ = rows.columns;
    bias_ = static_cast<float>(2 * Logit(ShareOfPositives(rows)));
    FitOutcome outcome;
    outcome.chosen = context.chosen;
    if (watched != nullptr) {
      outcome.chosen["rounds"] = 5;
    }
    return outcome;
  }
  Status Score(std::span<const Tensor> inputs, std::vector<float>& probabilities) const override {
    probabilities.clear();
    for (const float x : inputs[0].values<float>()) {
      probabilities.push_back(static_cast<float>(Sigmoid(double{bias_} + double{x} / 2)));
    }
    return Status::Ok();
  }
  Result<graph::Value> WriteLogit(graph::Builder& b) const override {
    return b.Add(b.Mul(WriteInputs(b, columns_).front(), b.Scalar(0.5F)), b.Scalar(bias_));
  }

 private:
  std::shared_ptr<Record> record_;
  std::vector<RankerColumn> columns_;
  float bias_ = 0;
};

data::FeatureDef Feature(std::string name, std::string op, std::string source,
                         std::map<std::string, std::string, std::less<>> options = {}) {
  return {std::move(name), std::move(op), std::move(source), std::move(options)};
}

class RankerTrainer : public testing::Test {
 protected:
  RankerTrainer() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = fs::temp_directory_path() / ("vitrine-ranker-" + std::string(info->name()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    factory_.algorithm = "fake";
    factory_.create = [record = record_](const Parameters&) {
      return Result<std::unique_ptr<TrainableRanker>>(std::make_unique<FakeRanker>(record));
    };
    protocol_.name = "rows";
    protocol_.kind = evaluate::ProtocolKind::kLabelled;
    protocol_.events = {EventType::kView, EventType::kCart, EventType::kPurchase};
    protocol_.target_events = {EventType::kPurchase};
    request_.spec.algorithm = "fake";
    request_.spec.features = {
        Feature("rate", "rate_asof", "item", {{"event", "target_events"}, {"per", "events"}}),
        Feature("item", "candidate", ""),
        Feature("level", "level", "user.level"),
        Feature("age", "standardise", "user.age"),
        Feature("band", "bucket", "user.age", {{"bins", "4"}}),
        Feature("brand", "level", "item.brand"),
        Feature("history", "history_items", "", {{"length", "5"}})};
    request_.out = (dir_ / "artifact").string();
    shop_ = data::test::MakeShop({.users = 60, .items = 15, .longest = 40, .days = 90});
  }
  ~RankerTrainer() override { fs::remove_all(dir_); }

  Result<RankerMaterial> Material() {
    test::FakeReader reader(shop_);
    data::UserTable users;
    for (std::size_t u = 0; u < shop_.interactions.users.size(); ++u) {
      User& user = users.rows.emplace_back();
      user.attributes["level"] = std::string(u % 3 == 0 ? "gold" : "silver");
      user.attributes["age"] = 20.0 + static_cast<double>(u);
    }
    reader.SetUsers(users);
    return ReadRankerMaterial("snapshot", protocol_, reader, {});
  }
  Result<RankerResult> Train() {
    auto material = Material();
    RETURN_IF_ERROR(material.status());
    return TrainRanker(request_, factory_, *material, {});
  }
  std::string FileOf(std::string_view name) {
    const auto artifact = graph::OpenArtifact(request_.out);
    EXPECT_TRUE(artifact.ok()) << artifact.status().ToString();
    return *graph::ReadArtifactFile(*artifact, name);
  }

  fs::path dir_;
  std::shared_ptr<Record> record_ = std::make_shared<Record>();
  RankerFactory factory_;
  evaluate::Protocol protocol_;
  TrainRequest request_;
  data::test::Shop shop_;
};

TEST_F(RankerTrainer, FitsWithTheValidationPartWatchedThenOnBoth) {
  const auto result = Train();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const std::size_t rows = shop_.interactions.rows();
  ASSERT_EQ(record_->fits.size(), 2U);
  const auto near = [](std::size_t got, double want) {
    EXPECT_NEAR(static_cast<double>(got), want, 1);
  };
  near(record_->fits[0].rows, 0.8 * static_cast<double>(rows));
  near(record_->fits[0].watched, 0.1 * static_cast<double>(rows));
  near(record_->fits[1].rows, 0.9 * static_cast<double>(rows));
  EXPECT_EQ(record_->fits[1].watched, 0U);
  EXPECT_EQ(record_->fits[1].chosen.at("rounds"), 5);
  EXPECT_EQ(result->fitted_on, "training+validation");
  // Columns: number, item, three levels of users (missing, other, gold and silver), history.
  const std::vector<RankerColumn>& columns = record_->fits[0].columns;
  ASSERT_EQ(columns.size(), 7U);
  EXPECT_EQ(columns[1], (RankerColumn{"item", RankerColumnKind::kItem, 17}));
  EXPECT_EQ(columns[2], (RankerColumn{"level", RankerColumnKind::kLevel, 4}));
  EXPECT_EQ(columns[3].kind, RankerColumnKind::kNumber);
  EXPECT_EQ(columns[4], (RankerColumn{"band", RankerColumnKind::kLevel, 5}));
  EXPECT_EQ(columns[6], (RankerColumn{"history", RankerColumnKind::kHistory, 17}));
}

TEST_F(RankerTrainer, TheArtifactIsACalibratedRanker) {
  const auto result = Train();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const auto artifact = graph::OpenArtifact(request_.out);
  ASSERT_TRUE(artifact.ok());
  const Manifest& manifest = artifact->manifest;
  EXPECT_EQ(manifest.kind, ModelKind::kRanker);
  ASSERT_EQ(manifest.outputs.size(), 1U);
  EXPECT_EQ(manifest.outputs[0].name, "probability");
  EXPECT_EQ(manifest.vocabulary_size, 15U);
  EXPECT_FALSE(manifest.references.empty());
  // The share's logit was doubled: about half of it is what holds.
  EXPECT_NE(result->chosen.at("calibration.slope"), 1);
  EXPECT_NEAR(result->validation.at("calibration_ratio").mean, 1, 1e-6);
  EXPECT_GT(manifest.metrics.at("validation/log_loss").mean, 0);
  const auto golden = graph::ParseGolden(FileOf(graph::kGoldenFile));
  ASSERT_TRUE(golden.ok()) << golden.status().ToString();
  EXPECT_EQ(golden->output, "probability");
  ASSERT_EQ(golden->rows.size(), 1U);
  EXPECT_EQ(golden->inputs[0].shape()[0], 64);
  const auto json = nlohmann::json::parse(RankerResultToJson(*result));
  EXPECT_EQ(json["kind"], "ranker");
  EXPECT_TRUE(json["validation"].contains("auc"));
}

TEST_F(RankerTrainer, NothingOfTheTestPartIsSeen) {
  ASSERT_TRUE(Train().ok());
  const std::string model = FileOf(graph::kModelFile);
  const std::string spec = FileOf(graph::kFeatureSpecFile);
  // Every label of the test part turns round, and its items become others.
  const std::vector<std::size_t> order = evaluate::RowOrder(shop_.interactions);
  const std::size_t test = order.size() - order.size() / 10 + 1;
  for (std::size_t place = test; place < order.size(); ++place) {
    EventType& type = shop_.interactions.type[order[place]];
    type = type == EventType::kPurchase ? EventType::kView : EventType::kPurchase;
    shop_.interactions.item[order[place]] = 3;
  }
  request_.out = (dir_ / "other").string();
  ASSERT_TRUE(Train().ok());
  EXPECT_EQ(FileOf(graph::kFeatureSpecFile), spec);
  EXPECT_EQ(FileOf(graph::kModelFile), model);
  // And it can fail: the same change among rows that are learnt from does show.
  for (std::size_t place = 0; place < order.size() / 2; ++place) {
    shop_.interactions.item[order[place]] = 3;
  }
  request_.out = (dir_ / "third").string();
  ASSERT_TRUE(Train().ok());
  EXPECT_NE(FileOf(graph::kFeatureSpecFile), spec);
}

TEST_F(RankerTrainer, ACancelledRunGoesOnWithTheSecondFit) {
  record_->cancel_at = 1;
  EXPECT_EQ(Train().status().code(), Code::kCancelled);
  EXPECT_FALSE(fs::exists(request_.out));
  record_->cancel_at = -1;
  const auto result = Train();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_TRUE(result->resumed);
  EXPECT_EQ(record_->fits.size(), 3U);  // the selecting fit was not done again
  EXPECT_NE(result->chosen.at("calibration.slope"), 1);
  EXPECT_FALSE(fs::exists(request_.out + ".partial"));
}

TEST_F(RankerTrainer, WithoutAValidationPartNothingIsCalibratedOrClaimed) {
  protocol_.validation_share = 0;
  const auto result = Train();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_TRUE(result->validation.empty());
  EXPECT_EQ(result->chosen.at("calibration.slope"), 1);
  EXPECT_EQ(record_->fits[0].watched, 0U);
  EXPECT_EQ(record_->fits[0].rows, record_->fits[1].rows);
}

TEST_F(RankerTrainer, WhatCannotBeFittedIsSaid) {
  const auto message = [this] { return std::string(Train().status().message()); };
  request_.spec.features[2].source = "user.levl";
  EXPECT_NE(message().find("feature 'level': no row that is learnt from has a text in 'user.levl'"),
            std::string::npos)
      << message();
  request_.spec.features = {Feature("words", "tokens", "item.title")};
  EXPECT_NE(message().find("rankers do not read what op tokens makes"), std::string::npos);
  request_.spec.features.clear();
  EXPECT_NE(message().find("has no [[feature]]"), std::string::npos);
  request_.spec.events = {EventType::kView};
  EXPECT_NE(message().find("a ranker's rows are the protocol's"), std::string::npos);
}

/// A table of 400 rows: a number, a code, a word, a yes or no, a constant.
RankerMaterial Table() {
  RankerMaterial material;
  material.protocol.name = "table";
  material.protocol.kind = evaluate::ProtocolKind::kLabelled;
  material.protocol.test_rows = {5, 4};
  material.protocol.validation_rows = {5, 3};
  material.set.protocol = "table";
  for (int i = 0; i < 400; ++i) {
    evaluate::LabelledRow& row = material.set.rows.emplace_back();
    row.label = i * 7 % 11 < 4 ? 1 : 0;
    row.context = {{"amount", 0.5 * i},
                   {"balance", 10.5 - i},
                   {"code", static_cast<double>(i % 6)},
                   {"month", std::string(i % 2 == 0 ? "May" : "June")},
                   {"weekend", i % 7 == 0},
                   {"same", 1.0}};
    if (i == 9) {
      row.context["late"] = 5.0;  // only a test row has it
    }
  }
  evaluate::AssignParts(material.protocol, material.set.rows);
  return material;
}

TEST_F(RankerTrainer, ATablesColumnsBecomeFeaturesAndTheArtifactAGraph) {
  const RankerMaterial material = Table();
  request_.spec.features.clear();
  ASSERT_TRUE(UseTableFeatures(material.set, request_.spec).ok());
  std::map<std::string, std::string> ops;
  for (const data::FeatureDef& def : request_.spec.features) {
    ops[def.name] = def.op;
  }
  EXPECT_EQ(ops, (std::map<std::string, std::string>{{"amount", "log_standardise"},
                                                     {"balance", "standardise"},
                                                     {"code", "level"},
                                                     {"month", "level"},
                                                     {"weekend", "level"}}));
  const auto result = TrainRanker(request_, factory_, material, {});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->kind, "graph");
  EXPECT_EQ(result->items, 0U);
  EXPECT_EQ(record_->fits[0].rows, 240U);
  EXPECT_EQ(record_->fits[1].rows, 320U);
  const auto artifact = graph::OpenArtifact(request_.out);
  ASSERT_TRUE(artifact.ok());
  EXPECT_TRUE(artifact->manifest.files.contains(std::string(graph::kFeatureSpecFile)));
  EXPECT_FALSE(artifact->manifest.files.contains(std::string(graph::kVocabularyFile)));
}

}  // namespace
}  // namespace vitrine::train
