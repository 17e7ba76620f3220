#include "monitor/signals_from_reports.h"

#include <gmock/gmock.h>

#include <optional>
#include <set>

#include "monitor/objectives/objective_watch.h"

namespace vitrine::monitor {
namespace {

using namespace std::chrono_literals;

Histogram::View Latencies(std::uint64_t fast, std::uint64_t slow) {
  return {.upper_bounds = {0.01, 1.0}, .counts = {fast, slow, 0}, .count = fast + slow, .sum = 0};
}

class SignalsTest : public testing::Test {
 protected:
  /// Everything within five minutes.
  SignalsTest() : signals_([this] { return reports_; }, std::chrono::minutes(5)) {}

  /// All signals at this second.
  std::vector<Signal> At(int second) { return signals_({second * kMicrosPerSecond}); }
  static std::optional<Signal> Find(const std::vector<Signal>& signals, std::string_view series) {
    for (const Signal& signal : signals) {
      if (SeriesName(signal.name, signal.labels) == series) {
        return signal;
      }
    }
    return std::nullopt;
  }
  static double Rows(const std::vector<Signal>& signals, std::string_view series) {
    const auto found = Find(signals, series);
    return found.has_value() ? found->rows : -1;
  }
  static double Value(const std::vector<Signal>& signals, std::string_view series) {
    const auto found = Find(signals, series);
    return found.has_value() ? found->value : -1;
  }

  ReportSet reports_;
  SignalsFromReports signals_;
};

TEST_F(SignalsTest, CountsAreThoseOfTheLastMinutes) {
  QualityRow row{.model = "m:1", .scene = "home", .answers = 100, .shown = 1000};
  row.labels = {{.label = "click", .places = 100}};
  reports_.quality.rows = {row};
  EXPECT_FALSE(Find(At(0), "quality.ctr{model=m:1,scene=home}").has_value())
      << "nothing to take the difference with";
  reports_.quality.rows[0].shown = 1500;
  reports_.quality.rows[0].labels[0].places = 110;
  const auto recent = At(15);
  EXPECT_DOUBLE_EQ(Value(recent, "quality.ctr{model=m:1,scene=home}"), 10.0 / 500);
  EXPECT_EQ(Rows(recent, "quality.ctr{model=m:1,scene=home}"), 500);
  // Five minutes later those are forgotten, and a series without rows says nothing.
  At(300);
  EXPECT_FALSE(Find(At(330), "quality.ctr{model=m:1,scene=home}").has_value());
}

TEST_F(SignalsTest, ClicksAreThoseOfALongerTimeAndOfTheWholeSceneToo) {
  SignalsFromReports signals([this] { return reports_; });
  const auto at = [&](int minute) { return signals({minute * 60 * kMicrosPerSecond}); };
  const auto of = [](const char* model, std::uint64_t shown, std::uint64_t clicked) {
    QualityRow row{.model = model, .scene = "home", .answers = shown / 10, .shown = shown};
    row.labels = {{.label = "click", .places = clicked}};
    return row;
  };
  reports_.data.accepted = 10;
  reports_.quality.rows = {of("m:1", 1000, 100), of("m:2", 0, 0)};
  at(0);
  for (int minute = 1; minute <= 30; ++minute) {
    at(minute);
  }
  reports_.quality.rows = {of("m:1", 1500, 110), of("m:2", 400, 35), of("", 100, 5)};
  reports_.data.accepted = 20;
  reports_.data.robots = 5;
  at(31);
  const auto later = at(55);
  EXPECT_DOUBLE_EQ(Value(later, "quality.ctr{model=m:1,scene=home}"), 10.0 / 500);
  EXPECT_DOUBLE_EQ(Value(later, "quality.scene_ctr{scene=home}"), 50.0 / 1000);
  EXPECT_FALSE(Find(later, "quality.ctr{model=,scene=home}").has_value()) << "no version's";
  EXPECT_FALSE(Find(later, "data.robot_share").has_value()) << "of the last five minutes";
  EXPECT_FALSE(Find(at(95), "quality.scene_ctr{scene=home}").has_value());
}

TEST_F(SignalsTest, FeedsAndBrokenRulesOfTheContract) {
  FeedRow feed{.feed = "app", .events = 100, .future = 50};
  feed.lags = Latencies(100, 0);
  reports_.data.feeds = {feed};
  reports_.data.contract.states = {{.rule = "volume", .broken = true, .rows = 7},
                                   {.rule = "price", .broken = false, .rows = 1, .wrong = true}};
  const auto first = At(0);
  EXPECT_EQ(Value(first, "data.contract_broken{rule=volume,says=changed}"), 1);
  EXPECT_EQ(Rows(first, "data.contract_broken{rule=volume,says=changed}"), 7);
  EXPECT_EQ(Value(first, "data.contract_broken{rule=price,says=wrong}"), 0);
  EXPECT_FALSE(Find(first, "data.lag_p95_seconds{feed=app}").has_value());
  reports_.data.feeds[0].events = 200;
  reports_.data.feeds[0].future = 75;
  reports_.data.feeds[0].lags = Latencies(100, 100);
  const auto then = At(15);
  EXPECT_DOUBLE_EQ(Value(then, "data.future_share{feed=app}"), 0.25);
  EXPECT_GT(Value(then, "data.lag_p95_seconds{feed=app}"), 0.9) << "of the last hundred alone";
  EXPECT_EQ(Rows(then, "data.lag_p95_seconds{feed=app}"), 100);
}

TEST_F(SignalsTest, QuantilesAreOfTheDifferenceOfTwoHistograms) {
  reports_.service.rows = {{.model = "m:1", .scene = "home", .latencies = Latencies(100'000, 0)}};
  At(0);
  reports_.service.rows[0].latencies = Latencies(100'100, 100);
  const auto signals = At(15);
  EXPECT_NEAR(Value(signals, "service.p50_seconds{model=m:1,scene=home}"), 0.01, 1e-9);
  EXPECT_GT(Value(signals, "service.p99_seconds{model=m:1,scene=home}"), 0.9)
      << "the fast hundred thousand of before must not hide the slow ones of now";
  EXPECT_EQ(Rows(signals, "service.p95_seconds{model=m:1,scene=home}"), 200);
}

TEST_F(SignalsTest, FailuresEndWhenTheyAreSomeMinutesOld) {
  At(0);
  reports_.service.failures["m:1"] = 3;
  EXPECT_EQ(Value(At(15), "service.failures{model=m:1}"), 3);
  At(30);
  EXPECT_EQ(Value(At(330), "service.failures{model=m:1}"), 0);
}

TEST_F(SignalsTest, SilenceBeginsWithTheNewestEvent) {
  EXPECT_FALSE(Find(At(0), "data.silence_seconds").has_value()) << "a shop that never sent";
  reports_.data.accepted = 10;
  EXPECT_EQ(Value(At(15), "data.silence_seconds"), 0);
  EXPECT_EQ(Value(At(75), "data.silence_seconds"), 60);
  reports_.data.accepted = 11;
  EXPECT_EQ(Value(At(90), "data.silence_seconds"), 0);
}

TEST_F(SignalsTest, SharesOfRowsThatCame) {
  At(0);
  reports_.data = {.accepted = 80, .duplicates = 15, .rejected = {{"missing_item", 5}}};
  reports_.data.rows = {{.event = "click", .accepted = 40, .late = 10}};
  reports_.service.answers = 50;
  reports_.service.degraded = 5;
  reports_.quality.joins = {{.event = "click", .events = 10, .orphans = 1, .unjoined = 2}};
  const auto signals = At(15);
  EXPECT_DOUBLE_EQ(Value(signals, "data.rejected_share"), 0.05);
  EXPECT_DOUBLE_EQ(Value(signals, "data.duplicate_share"), 0.15);
  EXPECT_DOUBLE_EQ(Value(signals, "data.late_share{event=click}"), 0.25);
  EXPECT_DOUBLE_EQ(Value(signals, "service.degraded_share"), 0.1);
  EXPECT_DOUBLE_EQ(Value(signals, "quality.unjoined_share{event=click}"), 0.3);
}

TEST_F(SignalsTest, WhileTheCountingIsBehindTheLogItSaysNothingOfIt) {
  const auto counted = [this](std::uint64_t upto, std::uint64_t end) {
    reports_.data.accepted = upto;
    reports_.data.duplicates = upto / 2;
    reports_.quality.counted = upto;
    reports_.quality.behind = end - upto;
    reports_.service.answers += 10;
  };
  counted(1'000, 1'000'000);  // of weeks
  At(0);
  for (int look = 1; look < 40; ++look) {
    counted(1'000 + 24'000 * static_cast<std::uint64_t>(look), 1'000'000);
    const auto signals = At(15 * look);
    EXPECT_FALSE(Find(signals, "data.duplicate_share").has_value()) << look;
    EXPECT_FALSE(Find(signals, "data.silence_seconds").has_value()) << look;
    EXPECT_TRUE(Find(signals, "service.degraded_share").has_value()) << look;
  }
  counted(1'000'000, 1'000'000);
  EXPECT_FALSE(Find(At(600), "data.duplicate_share").has_value()) << "the differences begin anew";
  counted(1'000'090, 1'000'100);  // what came just now is no backlog
  reports_.data.duplicates = 500'010;
  EXPECT_DOUBLE_EQ(Value(At(615), "data.duplicate_share"), 0.1);
}

TEST_F(SignalsTest, DriftSkewAndBreakersAreAsTheyAre) {
  DriftSeries series{.training = {.feature = "price", .corrected_psi = 0.3, .judged = true},
                     .drifted = true};
  reports_.drift.models = {{.model = "m:1", .window_requests = 400, .series = {series}}};
  reports_.breaker_open = {{"remote:ctr", true}, {"remote:b", false}};
  const auto signals = At(0);
  EXPECT_EQ(Value(signals, "drift.drifted{feature=price,model=m:1}"), 1);
  EXPECT_EQ(Value(signals, "drift.training_psi{feature=price,model=m:1}"), 0.3);
  EXPECT_FALSE(Find(signals, "drift.baseline_psi{feature=price,model=m:1}").has_value());
  EXPECT_EQ(Value(signals, "service.breaker_open{model=remote:ctr}"), 1);
  EXPECT_EQ(Value(signals, "service.breaker_open{model=remote:b}"), 0);
}

TEST_F(SignalsTest, WhatIsExpectedAndHowListsLookIsOfTheLastMinutesToo) {
  reports_.quality.estimates = {
      {.model = "m:1", .scene = "home", .shown_ever = 1000, .labelled_ever = 100},
      {.model = "m:1", .scene = "home", .label = Label::kPurchase, .shown_ever = 9}};
  reports_.quality.behaviour = {{"m:1", "home", {.places = 1000, .novelty = 9000}}};
  At(0);
  reports_.quality.estimates[0].shown_ever = 1500;
  reports_.quality.estimates[0].labelled_ever = 110;
  reports_.quality.behaviour[0].counts = {.places = 1500, .novelty = 14'000, .head = 200};
  const auto recent = At(60);
  EXPECT_DOUBLE_EQ(Value(recent, "quality.estimated_ctr{model=m:1,scene=home}"), 10.0 / 500);
  EXPECT_EQ(Rows(recent, "quality.estimated_ctr{model=m:1,scene=home}"), 500);
  EXPECT_DOUBLE_EQ(Value(recent, "quality.novelty{model=m:1,scene=home}"), 10);  // bits, no share
  EXPECT_DOUBLE_EQ(Value(recent, "quality.head_share{model=m:1,scene=home}"), 0.4);
}

TEST_F(SignalsTest, WhatLiveAnswersRestOnIsTakenAsItIs) {
  reports_.explanations = {{"m:1", {.ndcg = 0.83, .answers = 60}}};
  const auto signals = At(0);
  EXPECT_DOUBLE_EQ(Value(signals, "model.explanation_ndcg{model=m:1}"), 0.83);
  EXPECT_EQ(Rows(signals, "model.explanation_ndcg{model=m:1}"), 60);
}

TEST_F(SignalsTest, EverySignalIsADefinedOneWithItsLabels) {
  At(0);
  QualityRow row{.model = "m:1", .scene = "home", .answers = 100, .shown = 1000};
  reports_.quality = {.rows = {row}, .joins = {{.event = "click", .events = 10}}};
  reports_.quality.estimates.push_back({.model = "m:1", .scene = "home", .shown_ever = 9});
  reports_.quality.behaviour.push_back(
      {"m:1", "home", {.places = 9, .novelty = 90, .scored = 9, .lists = 1}});
  reports_.service.rows = {{.model = "m:1", .scene = "home", .latencies = Latencies(1, 0)}};
  reports_.service.failures["m:1"] = 1;
  reports_.service.answers = 1;
  reports_.data = {.accepted = 1,
                   .rows = {{.event = "click", .accepted = 1}},
                   .feeds = {{.feed = "app", .events = 1, .lags = Latencies(1, 0)}}};
  reports_.data.contract.states = {{.rule = "volume"}};
  reports_.skew.models = {{.model = "m:1", .features = {{.feature = "price", .values = 9}}}};
  DriftSeries series{.training = {.feature = "price", .judged = true}, .drifted = false};
  series.baseline = series.training;
  reports_.drift.models = {{.model = "m:1", .series = {series}}};
  reports_.breaker_open = {{"remote:ctr", true}};
  reports_.explanations = {{"m:1", {.ndcg = 1, .answers = 30}}};
  ObjectiveWatch objectives(DefaultObjectives());
  static_cast<void>(objectives.Look({}, {}, {}));
  std::vector<Signal> signals = At(15);
  for (Signal& signal : objectives.Look({}, reports_.service, {.good = 1, .all = 1})) {
    signals.push_back(std::move(signal));
  }
  std::set<std::string> seen;
  for (const Signal& signal : signals) {
    const SignalDef* def = FindSignal(signal.name);
    ASSERT_NE(def, nullptr) << signal.name;
    std::set<std::string> labels(def->labels.begin(), def->labels.end());
    std::set<std::string> has;
    for (const auto& [name, value] : signal.labels) {
      has.insert(name);
    }
    EXPECT_EQ(has, labels) << signal.name;
    seen.insert(signal.name);
  }
  EXPECT_EQ(seen.size(), SignalDefs().size()) << "a signal that nothing measures";
}

}  // namespace
}  // namespace vitrine::monitor
