#include "monitor/alerts/alert_keeper.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <future>
#include <set>

#include "monitor/alerts/alert_json.h"
#include "monitor/alerts/alert_keeper_testing.h"

namespace vitrine::monitor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Signal Failures(double value, const std::string& model = "m:1") {
  return {"service.failures", {{"model", model}}, value, 1};
}

class AlertKeeperTest : public testing::Test {
 protected:
  void Open() { OpenOn(store_); }
  void OpenOn(FakeAlertStore& store) {
    AlertKeeperOptions options;
    options.every = 1h;  // tests look themselves
    options.now = [this] { return signals_.now(); };
    options.metrics = &metrics_;
    options.test_time = test_time_;
    auto keeper = AlertKeeper::Open(
        options, signals_.source(), store,
        {{.name = "ops", .kind = "fake", .channel = ops_},
         {.name = "shop", .kind = "fake", .language = Language::kChinese, .channel = shop_}});
    ASSERT_TRUE(keeper.ok()) << keeper.status().ToString();
    keeper_ = *std::move(keeper);
  }
  /// Looks, and once more when what came of it may go.
  void LookAndSend() {
    ASSERT_TRUE(keeper_->Look().ok());
    signals_.Advance(31s);
    ASSERT_TRUE(keeper_->Look().ok());
  }
  /// Looks until the newest record is as wanted: outcomes come from another thread.
  void WaitForRecords(std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (keeper_->View()->deliveries.size() < count) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      ASSERT_TRUE(keeper_->Look().ok());
    }
  }
  [[nodiscard]] std::vector<Alert> Open(std::string_view rule) const {
    const auto view = keeper_->View();
    std::vector<Alert> found;
    for (const Alert& alert : view->alerts) {
      if (alert.open() && alert.rule == rule) {
        found.push_back(alert);
      }
    }
    return found;
  }

  std::chrono::milliseconds test_time_ = 10s;
  MetricRegistry metrics_;
  FakeSignals signals_;
  FakeAlertStore store_;
  FakeAlertStore left_;  // what a kill leaves
  std::shared_ptr<FakeChannel> ops_ = std::make_shared<FakeChannel>();
  std::shared_ptr<FakeChannel> shop_ = std::make_shared<FakeChannel>();
  std::unique_ptr<AlertKeeper> keeper_;
};

TEST_F(AlertKeeperTest, BeginsWithTheDefaultRules) {
  Open();
  EXPECT_EQ(keeper_->View()->rules, DefaultAlertRules());
  EXPECT_THAT(keeper_->View()->alerts, IsEmpty());
}

TEST_F(AlertKeeperTest, WhatFiresIsListedAndToldInEachChannelsLanguage) {
  signals_.Set({Failures(3)});
  Open();
  LookAndSend();
  ASSERT_THAT(Open("model-fails"), SizeIs(1));
  const auto english = ops_->Wait(1)[0];
  const auto chinese = shop_->Wait(1)[0];
  EXPECT_THAT(english.text.title, HasSubstr("[critical] 1 firing"));
  EXPECT_THAT(english.text.body, HasSubstr("vitrine model rollback"));
  EXPECT_THAT(chinese.text.title, HasSubstr("[严重]"));
  EXPECT_THAT(chinese.text.body, HasSubstr("处理建议"));
  WaitForRecords(2);
  EXPECT_TRUE(keeper_->View()->deliveries[0].delivered);
}

TEST_F(AlertKeeperTest, ARuleNamesItsChannels) {
  Open();
  AlertRule rule = DefaultAlertRules()[0];
  rule.channels = {"shop"};
  ASSERT_TRUE(keeper_->PutRule(rule).ok());
  signals_.Set({Failures(3)});
  LookAndSend();
  EXPECT_THAT(shop_->Wait(1), SizeIs(1));
  WaitForRecords(1);
  EXPECT_EQ(ops_->count(), 0U);
  // Its alert ends with it, and who was told hears of that.
  ASSERT_TRUE(keeper_->RemoveRule(rule.name).ok());
  signals_.Advance(61s);
  LookAndSend();
  EXPECT_EQ(shop_->Wait(2)[1].message.changes[0].kind, AlertChangeKind::kResolved);
  EXPECT_EQ(ops_->count(), 0U);
}

TEST_F(AlertKeeperTest, ARuleOfAnUnknownChannelIsRefused) {
  Open();
  AlertRule rule = DefaultAlertRules()[0];
  rule.channels = {"nobody"};
  const Status status = keeper_->PutRule(rule);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("there are: ops, shop"));
  EXPECT_EQ(keeper_->RemoveRule("nothing").code(), Code::kNotFound);
}

TEST_F(AlertKeeperTest, RulesAcknowledgementsAndQuietTimesOutliveADeath) {
  signals_.Set({Failures(3)});
  Open();
  AlertRule rule = DefaultAlertRules()[1];
  rule.priority = 5;
  ASSERT_TRUE(keeper_->PutRule(rule).ok());
  ASSERT_TRUE(keeper_->RemoveRule("slow-answers").ok());
  ASSERT_TRUE(keeper_->Look().ok());
  const auto acknowledged = keeper_->Acknowledge(Open("model-fails")[0].id, "li", "mine");
  ASSERT_TRUE(acknowledged.ok());
  EXPECT_EQ(acknowledged->state, AlertState::kAcknowledged);
  const auto quiet = keeper_->AddQuiet({.kind = QuietKind::kMaintenance,
                                        .from = signals_.now(),
                                        .until = {signals_.now().value + kMicrosPerDay},
                                        .by = "li",
                                        .why = "a move"});
  ASSERT_TRUE(quiet.ok());
  ASSERT_TRUE(
      keeper_->Look().ok());  // a keeper looks when it opens: it then sees what this one saw

  // The keeper is still there and may write what it likes at its end: this is what a kill leaves.
  left_.SetTexts(store_.Texts());
  const auto before = keeper_->View();
  keeper_.reset();
  ASSERT_NO_FATAL_FAILURE(OpenOn(left_));
  EXPECT_EQ(keeper_->View()->rules, before->rules);
  EXPECT_EQ(keeper_->View()->quiet_times, before->quiet_times);
  EXPECT_EQ(keeper_->View()->alerts, before->alerts);
  ASSERT_TRUE(keeper_->EndQuiet(quiet->id).ok());
  EXPECT_FALSE(keeper_->View()->quiet_times[0].ActiveAt(signals_.now()));
}

TEST_F(AlertKeeperTest, AMessageThatWasUnderWayAtTheDeathIsSentAgain) {
  ops_->Stick(true);
  shop_->Stick(true);
  signals_.Set({Failures(3)});
  Open();
  LookAndSend();
  ASSERT_THAT(ops_->Wait(1), SizeIs(1));
  left_.SetTexts(store_.Texts());
  keeper_.reset();
  ops_->Stick(false);
  shop_->Stick(false);
  ASSERT_NO_FATAL_FAILURE(OpenOn(left_));
  const auto sent = ops_->Wait(2);
  EXPECT_EQ(sent[1].message.changes[0].alert.rule, "model-fails");
  EXPECT_EQ(sent[1].message.id, sent[0].message.id);
}

TEST_F(AlertKeeperTest, AMessageThatWasDeliveredIsNotSentAgainAfterAnEnd) {
  signals_.Set({Failures(3)});
  Open();
  LookAndSend();
  WaitForRecords(2);
  keeper_.reset();
  Open();
  ASSERT_TRUE(keeper_->Look().ok());
  EXPECT_EQ(keeper_->View()->waiting, 0U);
  EXPECT_THAT(keeper_->View()->deliveries, SizeIs(2));
  EXPECT_EQ(ops_->count(), 1U);
}

TEST_F(AlertKeeperTest, AChangeThatCannotBeKeptIsTakenBack) {
  signals_.Set({Failures(3)});
  Open();
  ASSERT_TRUE(keeper_->Look().ok());
  const std::string id = Open("model-fails")[0].id;
  store_.full = true;
  EXPECT_EQ(keeper_->Acknowledge(id, "li", "").status().code(), Code::kResourceExhausted);
  EXPECT_EQ(Open("model-fails")[0].state, AlertState::kFiring);
  EXPECT_EQ(keeper_->RemoveRule("model-fails").code(), Code::kResourceExhausted);
  EXPECT_EQ(keeper_->View()->rules, DefaultAlertRules());
  // Alerts go on in memory, and the view says that they are there only.
  signals_.Set({Failures(3), Failures(1, "m:2")});
  EXPECT_FALSE(keeper_->Look().ok());
  EXPECT_THAT(Open("model-fails"), SizeIs(2));
  EXPECT_FALSE(keeper_->View()->kept.ok());
  store_.full = false;
  EXPECT_TRUE(keeper_->Look().ok());
  EXPECT_TRUE(keeper_->View()->kept.ok());
}

TEST_F(AlertKeeperTest, ASlowChannelKeepsNoOtherWaiting) {
  ops_->Stick(true);
  signals_.Set({Failures(3)});
  Open();
  LookAndSend();
  EXPECT_THAT(shop_->Wait(1), SizeIs(1));
  EXPECT_TRUE(keeper_->Look().ok());
  ops_->Stick(false);
  WaitForRecords(2);
}

TEST_F(AlertKeeperTest, AFailedMessageIsTriedAgain) {
  ops_->Answer(Unavailable("answered 500"));
  signals_.Set({Failures(3)});
  Open();
  LookAndSend();
  WaitForRecords(2);
  ops_->Answer(Status::Ok());
  signals_.Advance(11s);
  ASSERT_TRUE(keeper_->Look().ok());
  WaitForRecords(3);
  const auto sent = ops_->Wait(2);
  EXPECT_EQ(sent[1].message.id, sent[0].message.id);
  EXPECT_EQ(sent[1].message.attempt, 2);
  EXPECT_TRUE(keeper_->View()->deliveries[0].delivered);
}

TEST_F(AlertKeeperTest, AThousandAlertsAtOnceAreFewMessages) {
  std::vector<Signal> signals;
  std::vector<AlertRule> rules;
  for (int r = 0; r < 1000; ++r) {
    const std::string model = fmt::format("m:{}", r);
    rules.push_back({.name = fmt::format("rule-{}", r),
                     .signal = "service.failures",
                     .where = {{"model", model}},
                     .critical = 1,
                     .bad_for = 0s,
                     .runbook = "look"});
    signals.push_back(Failures(2, model));
  }
  ASSERT_TRUE(store_.Keep(AlertKeeper::kRulesName, AlertRulesToJson(rules)).ok());
  Open();
  signals_.Set(signals);
  for (int look = 0; look < 20; ++look) {
    ASSERT_TRUE(keeper_->Look().ok());
    signals_.Advance(15s);
  }
  EXPECT_EQ(keeper_->View()->alerts.size(), 1000U);
  const auto sent = ops_->Wait(1);
  EXPECT_LE(sent.size(), 2U);
  EXPECT_THAT(sent[0].message.changes, SizeIs(1000));
  EXPECT_LT(sent[0].text.body.size(), 4000U);
  EXPECT_THAT(sent[0].text.body, HasSubstr("and 990 more"));
}

TEST_F(AlertKeeperTest, ATestOfAChannelSaysWhatCameOfIt) {
  Open();
  EXPECT_TRUE(keeper_->TestChannel("ops")->outcome.ok());
  EXPECT_THAT(ops_->Wait(1)[0].text.title, HasSubstr("[test]"));
  EXPECT_THAT(ops_->Wait(1)[0].message.changes, IsEmpty());
  ops_->Answer(Unavailable("answered 500"));
  EXPECT_EQ(keeper_->TestChannel("ops")->outcome.message(), "answered 500");
  EXPECT_EQ(keeper_->TestChannel("nobody").status().code(), Code::kNotFound);
  for (std::size_t i = 2; i < AlertKeeper::kMostTests; ++i) {
    EXPECT_TRUE(keeper_->TestChannel("ops").ok());
  }
  EXPECT_EQ(keeper_->TestChannel("ops").status().code(), Code::kResourceExhausted);
}

TEST_F(AlertKeeperTest, AChannelThatHangsHoldsOneTestForAWhile) {
  test_time_ = 20ms;
  Open();
  ops_->Stick(true);
  const auto late = keeper_->TestChannel("ops");
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(late->outcome.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(late->outcome.message(), "no answer within 20 ms");
}

TEST_F(AlertKeeperTest, OneTestOfAChannelAtATimeAndNoneAfterTheEnd) {
  test_time_ = 10min;
  Open();
  ops_->Stick(true);
  auto first = std::async(std::launch::async, [this] { return keeper_->TestChannel("ops"); });
  ops_->Wait(1);
  EXPECT_EQ(keeper_->TestChannel("ops").status().code(), Code::kUnavailable);
  EXPECT_TRUE(keeper_->TestChannel("shop").ok()) << "another channel is free";
  keeper_->EndTests();
  const auto ended = first.get();
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->outcome.code(), Code::kCancelled);
  EXPECT_EQ(keeper_->TestChannel("shop").status().code(), Code::kUnavailable);
}

TEST_F(AlertKeeperTest, WhatIsNotOursIsNamedAndStopsTheStart) {
  for (const std::string_view name : {AlertKeeper::kRulesName, AlertKeeper::kAlertsName}) {
    FakeAlertStore broken;
    ASSERT_TRUE(broken.Keep(name, "{").ok());
    const auto keeper = AlertKeeper::Open({}, signals_.source(), broken, {});
    ASSERT_FALSE(keeper.ok());
    EXPECT_THAT(keeper.status().message(), HasSubstr(std::string(name)));
  }
  FakeAlertStore newer;
  ASSERT_TRUE(newer.Keep(AlertKeeper::kAlertsName, R"({"format":2,"book":{},"outbox":{}})").ok());
  EXPECT_EQ(AlertKeeper::Open({}, signals_.source(), newer, {}).status().code(),
            Code::kFailedPrecondition);
}

TEST_F(AlertKeeperTest, BesideNoServerItKeepsChangesAndWatchesNothing) {
  signals_.Set({Failures(3)});
  AlertKeeperOptions options;
  options.watch = false;
  options.every = 1ms;
  options.now = [this] { return signals_.now(); };
  auto keeper = AlertKeeper::Open(options, signals_.source(), store_, {});
  ASSERT_TRUE(keeper.ok());
  ASSERT_TRUE((*keeper)->RemoveRule("slow-answers").ok());
  EXPECT_THAT((*keeper)->View()->alerts, IsEmpty());
  EXPECT_EQ((*keeper)->View()->rules.size(), DefaultAlertRules().size() - 1);
}

TEST_F(AlertKeeperTest, ItsMetricsAreThoseOfTheContract) {
  signals_.Set({Failures(3)});
  Open();
  LookAndSend();
  WaitForRecords(2);
  std::set<std::string> names;
  for (const auto& [sample, value] : metrics_.Samples()) {
    names.insert(sample.substr(0, sample.find('{')));
  }
  std::ifstream file("src/monitor/alerts/metric_names.txt");
  std::set<std::string> expected;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') {
      expected.insert(line);
    }
  }
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace vitrine::monitor
