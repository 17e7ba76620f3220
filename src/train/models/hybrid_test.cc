#include "train/models/hybrid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "train/model_scorer.h"
#include "train/models/hybrid_testing.h"
#include "train/models/markov.h"
#include "train/models/popularity.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

using test::FeaturesForTest;
using test::HistoryForTest;
using testing::HasSubstr;

/// What a member was fitted on and with, over all fits.
struct Spied {
  std::vector<std::vector<History>> fits;
  std::vector<Chosen> chosen;
  std::vector<bool> judged;
  std::vector<std::string> checkpoints;
};

/// Scores every item by a fixed number; settles on 7 epochs where it may validate.
class Spy final : public TrainableModel {
 public:
  Spy(std::shared_ptr<Spied> spied, double worth) : spied_(std::move(spied)), worth_(worth) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return {{"history", "history_items", "", {{"length", "3"}}}};
  }
  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    width_ = sequences.width;
    spied_->fits.push_back(sequences.users);
    spied_->chosen.push_back(context.chosen);
    spied_->judged.push_back(context.validate != nullptr);
    spied_->checkpoints.push_back(context.checkpoint);
    FitOutcome outcome{.chosen = context.chosen, .best = 0, .notes = {{"loss", 1}}};
    if (context.validate) {
      const Result<double> value = context.validate(*this);
      RETURN_IF_ERROR(value.status());
      outcome.chosen["epochs"] = 7;
    }
    return outcome;
  }
  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    EXPECT_EQ(inputs.size(), 1U);
    EXPECT_EQ(inputs[0].name(), "history");
    scores.Reset(DType::kFloat32, {inputs[0].shape()[0], static_cast<std::int64_t>(width_)});
    for (std::size_t i = 0; i < scores.values<float>().size(); ++i) {
      scores.values<float>()[i] = static_cast<float>(worth_ * static_cast<double>(i % width_));
    }
    return Status::Ok();
  }
  Status ExportGraph(graph::Builder&) const override { return Internal("not asked for"); }

 private:
  std::shared_ptr<Spied> spied_;
  double worth_;
  std::size_t width_ = 0;
};

HybridOptions Small() {
  HybridOptions options;
  options.candidates = 4;
  options.trees.rounds = 30;
  options.trees.min_child_weight = 0.1;
  options.trees.lambda = 1;
  return options;
}

std::vector<HybridMember> One(std::string name, std::unique_ptr<TrainableModel> model) {
  std::vector<HybridMember> members;
  members.push_back({std::move(name), std::move(model)});
  return members;
}

/// Fits with features as the trainer would make them.
Result<FitOutcome> Fitted(TrainableModel& model, const TrainingSequences& sequences,
                          FitContext context = {}) {
  const data::FeatureSpec features = FeaturesForTest(model, sequences.width);
  context.features = &features;
  return model.Fit(sequences, context);
}

std::vector<double> ScoresOf(const TrainableModel& model, const History& history,
                             std::size_t width) {
  const data::FeatureSpec features = FeaturesForTest(model, width);
  std::vector<double> scores;
  EXPECT_EQ(ModelScorer(model, features).Score({&history, 1}, scores), Status());
  return scores;
}

ItemIndex BestOf(const std::vector<double>& scores) {
  return static_cast<ItemIndex>(std::max_element(scores.begin() + kFirstItem, scores.end()) -
                                scores.begin());
}

/// Items 2 to 11 in pairs: after an even one comes the next. Two of three shoppers wander first.
TrainingSequences Pairs(int users) {
  std::mt19937 random(5);
  TrainingSequences sequences{.users = {}, .width = 12, .ordinal_time = true};
  for (int u = 0; u < users; ++u) {
    std::vector<ItemIndex> items;
    std::vector<ItemIndex> evens = {2, 4, 6, 8, 10};
    std::shuffle(evens.begin(), evens.end(), random);
    for (int i = 0; i < 1 + u % 3; ++i) {
      items.push_back(evens[static_cast<std::size_t>(i)]);
      items.push_back(items.back() + 1);
    }
    sequences.users.push_back(HistoryForTest(items));
  }
  return sequences;
}

std::vector<HybridMember> MarkovAndPopularity() {
  std::vector<HybridMember> members = One("next", MakeMarkov({}));
  members.push_back({"most", MakePopularity({})});
  return members;
}

TEST(Hybrid, LearnsWhichMemberToFollow) {
  const TrainingSequences sequences = Pairs(120);
  for (const char* ranker : {"trees", "blend"}) {
    HybridOptions options = Small();
    options.ranker = ranker;
    const auto model = MakeHybrid(options, MarkovAndPopularity());
    const auto outcome = Fitted(*model, sequences);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    for (const ItemIndex even : {2U, 4U, 6U, 8U, 10U}) {
      EXPECT_EQ(BestOf(ScoresOf(*model, HistoryForTest({even}), 12)), even + 1) << ranker;
    }
    EXPECT_EQ(outcome->notes.at("found"), 1) << ranker;
    EXPECT_EQ(outcome->chosen.at("again"), 0) << ranker;
  }
}

TEST(Hybrid, FeaturesOfMembersStandUnderTheirNamesInSequencesOfTheirOwn) {
  const auto model = MakeHybrid(Small(), MarkovAndPopularity());
  std::vector<std::string> names;
  std::set<std::string> sequences;
  for (const data::FeatureDef& def : model->Features()) {
    names.push_back(def.name);
    const auto at = def.options.find("sequence");
    sequences.insert(at == def.options.end() ? "" : at->second);
  }
  EXPECT_THAT(names, testing::ElementsAre("history", "age", "next.history", "most.history"));
  EXPECT_THAT(sequences, testing::ElementsAre("", "most", "next"));
}

TEST(Hybrid, MembersAreFittedWithoutWhatIsHeldOutAndThenWithIt) {
  const TrainingSequences sequences = Pairs(40);
  const auto spied = std::make_shared<Spied>();
  const auto model = MakeHybrid(Small(), One("spy", std::make_unique<Spy>(spied, 1)));
  FitContext context;
  context.checkpoint = "state";
  const auto outcome = Fitted(*model, sequences, context);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ASSERT_EQ(spied->fits.size(), 2U);
  for (std::size_t u = 0; u < sequences.users.size(); ++u) {
    History before = sequences.users[u];
    before.pop_back();
    EXPECT_EQ(spied->fits[0][u], before);
    EXPECT_EQ(spied->fits[1][u], sequences.users[u]);
  }
  // It may settle on something while there is something to judge it by, and keeps it then.
  EXPECT_THAT(spied->judged, testing::ElementsAre(true, false));
  EXPECT_EQ(spied->chosen[1].at("epochs"), 7);
  EXPECT_EQ(outcome->chosen.at("spy.epochs"), 7);
  EXPECT_EQ(outcome->notes.at("spy.loss"), 1);
  EXPECT_NE(spied->checkpoints[0], spied->checkpoints[1]);
}

TEST(Hybrid, EachFoldForgetsOneBasketMore) {
  const TrainingSequences sequences = Pairs(40);
  const auto spied = std::make_shared<Spied>();
  HybridOptions options = Small();
  options.folds = 9;
  const auto model = MakeHybrid(options, One("spy", std::make_unique<Spy>(spied, 1)));
  const auto outcome = Fitted(*model, sequences);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  // Histories have six items at most: five folds, and the fit on everything.
  ASSERT_EQ(spied->fits.size(), 6U);
  for (std::size_t fold = 0; fold < 5; ++fold) {
    for (std::size_t u = 0; u < sequences.users.size(); ++u) {
      History before = sequences.users[u];
      before.resize(std::max<std::size_t>(before.size() - std::min(before.size(), fold + 1), 1));
      EXPECT_EQ(spied->fits[fold][u], before) << fold;
    }
  }
  EXPECT_THAT(spied->judged, testing::ElementsAre(true, false, false, false, false, false));
}

TEST(Hybrid, ALaterFitTakesWhatAnEarlierOneSettledOn) {
  const TrainingSequences sequences = Pairs(40);
  const auto spied = std::make_shared<Spied>();
  const auto model = MakeHybrid(Small(), One("spy", std::make_unique<Spy>(spied, 1)));
  FitContext context;
  context.chosen = {{"rounds", 3}, {"again", 1}, {"spy.epochs", 5}};
  const auto outcome = Fitted(*model, sequences, context);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->chosen, context.chosen);
  EXPECT_THAT(spied->judged, testing::ElementsAre(false, false));
  EXPECT_FALSE(outcome->notes.contains("watched_ndcg"));
}

TEST(Hybrid, WhatOnlyTheHeldOutPairsTellIsNotLearnt) {
  // Each shopper ends with a pair that stands nowhere else. Counts that have seen the ends would find
  // each of them; counts that have not find none, and say so.
  TrainingSequences sequences{.users = {}, .width = 202, .ordinal_time = true};
  for (ItemIndex u = 0; u < 100; ++u) {
    sequences.users.push_back(HistoryForTest({kFirstItem + u, 102 + u}));
  }
  const auto model = MakeHybrid(Small(), One("next", MakeMarkov({})));
  const Status status = Fitted(*model, sequences).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("of 100 users, none"));
}

TEST(Hybrid, EqualFitsScoreEqual) {
  const TrainingSequences sequences = Pairs(90);
  const auto first = MakeHybrid(Small(), MarkovAndPopularity());
  const auto second = MakeHybrid(Small(), MarkovAndPopularity());
  ASSERT_TRUE(Fitted(*first, sequences).ok());
  ASSERT_TRUE(Fitted(*second, sequences).ok());
  for (const History& history : {HistoryForTest({}), HistoryForTest({4}), HistoryForTest({3, 8})}) {
    EXPECT_EQ(ScoresOf(*first, history, 12), ScoresOf(*second, history, 12));
  }
}

TEST(Hybrid, WhatIsNoCandidateStandsBelowAndIsFinite) {
  const TrainingSequences sequences = Pairs(90);
  HybridOptions options = Small();
  options.candidates = 2;
  const auto model = MakeHybrid(options, MarkovAndPopularity());
  ASSERT_TRUE(Fitted(*model, sequences).ok());
  for (const History& history : {HistoryForTest({}), HistoryForTest({4}), HistoryForTest({3, 8})}) {
    std::vector<double> scores = ScoresOf(*model, history, 12);
    ASSERT_EQ(scores.size(), 12U);
    EXPECT_TRUE(std::all_of(scores.begin(), scores.end(),
                            [](double score) { return std::isfinite(score); }));
    EXPECT_EQ(std::min_element(scores.begin(), scores.end()) - scores.begin(), 0);
    EXPECT_EQ(scores[kPaddingItem], scores[kUnknownItem]);
    // Two members give four candidates at most, which stand at least one above the rest.
    std::sort(scores.begin(), scores.end(), std::greater<>());
    EXPECT_GT(*std::max_element(scores.begin(), scores.begin() + 4) - scores[4], 1);
  }
}

TEST(Hybrid, RepeatsAreCandidatesWhereShoppersRepeat) {
  // Everybody has 2 and 3 by turns; the newest but one is next.
  TrainingSequences sequences{.users = {}, .width = 8, .ordinal_time = true};
  for (int u = 0; u < 60; ++u) {
    const ItemIndex item = u % 2 == 0 ? 2 : 3;
    sequences.users.push_back(HistoryForTest({item, 5 - item, item, 5 - item}));
  }
  const auto model = MakeHybrid(Small(), MarkovAndPopularity());
  const auto outcome = Fitted(*model, sequences);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->chosen.at("again"), 1);
  EXPECT_EQ(outcome->notes.at("repeats"), 1);
  EXPECT_EQ(BestOf(ScoresOf(*model, HistoryForTest({2, 3}), 8)), 2U);
  HybridOptions never = Small();
  never.again = "no";
  EXPECT_THAT(Fitted(*MakeHybrid(never, MarkovAndPopularity()), sequences).status().message(),
              HasSubstr("again"));
  HybridOptions needed = Small();
  needed.again = "needed";
  EXPECT_TRUE(Fitted(*MakeHybrid(needed, MarkovAndPopularity()), sequences).ok());
  const auto spied = std::make_shared<Spied>();
  const Status idle =
      Fitted(*MakeHybrid(needed, One("spy", std::make_unique<Spy>(spied, 1))), Pairs(9)).status();
  EXPECT_EQ(idle.code(), Code::kFailedPrecondition);
  EXPECT_THAT(idle.message(), HasSubstr("0.0 % of what users take next they had before"));
  EXPECT_TRUE(spied->fits.empty());  // it costs no fit to find out
}

TEST(Hybrid, DataThatCannotSupportItAreRefusedWithTheReason) {
  TrainingSequences single{.users = {}, .width = 5, .ordinal_time = true};
  single.users = {HistoryForTest({2}), HistoryForTest({3})};
  EXPECT_THAT(Fitted(*MakeHybrid(Small(), MarkovAndPopularity()), single).status().message(),
              HasSubstr("no user has two baskets"));
  // A member that scores all alike has no candidates.
  const auto spied = std::make_shared<Spied>();
  EXPECT_THAT(Fitted(*MakeHybrid(Small(), One("flat", std::make_unique<Spy>(spied, 0))), Pairs(9))
                  .status()
                  .message(),
              HasSubstr("raise candidates, or add members"));
  const Status wrong =
      Fitted(*MakeHybrid(Small(), One("nan", std::make_unique<Spy>(spied, std::nan("")))), Pairs(9))
          .status();
  EXPECT_EQ(wrong.code(), Code::kInternal);
  EXPECT_THAT(wrong.message(), HasSubstr("has the score nan"));
  const auto model = MakeHybrid(Small(), MarkovAndPopularity());
  EXPECT_EQ(model->Fit(Pairs(9), {}).status().code(), Code::kFailedPrecondition);
}

TEST(Hybrid, CountsAreSteady) {
  const TrainingSequences sequences = Pairs(90);
  const auto model = MakeHybrid(Small(), MarkovAndPopularity());
  ASSERT_TRUE(Fitted(*model, sequences).ok());
  const std::vector<History> histories = {HistoryForTest({4}), HistoryForTest({5})};
  std::vector<Tensor> inputs;
  ASSERT_EQ(ApplyFeatures(FeaturesForTest(*model, sequences.width), histories, inputs), Status());
  const auto steady = model->Steady(inputs);
  ASSERT_TRUE(steady.ok()) << steady.status().ToString();
  EXPECT_THAT(*steady, testing::ElementsAre(true, true));
}

TEST(Hybrid, StopsBetweenItsSteps) {
  for (const char* stage : {"held out", "candidates", "rank", "(all)"}) {
    std::stop_source stop;
    FitContext context;
    context.progress.stop = stop.get_token();
    context.progress.report = [&](const ProgressReport& report) {
      if (report.stage.find(stage) != std::string::npos) {
        stop.request_stop();
      }
    };
    const auto model = MakeHybrid(Small(), MarkovAndPopularity());
    EXPECT_EQ(Fitted(*model, Pairs(200), context).status().code(), Code::kCancelled) << stage;
  }
}

}  // namespace
}  // namespace vitrine::train
