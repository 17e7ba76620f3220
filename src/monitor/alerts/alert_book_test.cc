#include "monitor/alerts/alert_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/alerts/alert_json.h"

namespace vitrine::monitor {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kStart = 1'800'000'000 * kMicrosPerSecond;

AlertRule SlowAnswers() {
  return {.name = "slow",
          .signal = "service.p99_seconds",
          .warning = 0.1,
          .critical = 0.5,
          .recovery = 0.08,
          .bad_for = seconds(60),
          .good_for = seconds(120)};
}

class AlertBookTest : public testing::Test {
 protected:
  AlertBookTest() { EXPECT_TRUE(book_.SetRules({SlowAnswers()}).ok()); }
  static Micros At(std::int64_t second) { return {kStart + second * kMicrosPerSecond}; }
  static Signal P99(double value, const std::string& scene = "home", double rows = 1000) {
    return {.name = "service.p99_seconds",
            .labels = {{"model", "sasrec:3"}, {"scene", scene}},
            .value = value,
            .rows = rows};
  }
  std::vector<AlertChange> Look(std::int64_t second, std::vector<Signal> signals) {
    return book_.Look(At(second), signals);
  }
  Alert Only() {
    EXPECT_THAT(book_.Alerts(), SizeIs(1));
    return book_.Alerts().front();
  }
  AlertBook book_;
};

TEST_F(AlertBookTest, FiresOnlyAfterItWasBadForLongEnough) {
  EXPECT_THAT(Look(0, {P99(0.2)}), IsEmpty());
  EXPECT_EQ(Only().state, AlertState::kPending);
  EXPECT_THAT(Look(59, {P99(0.2)}), IsEmpty());
  const auto changes = Look(60, {P99(0.3)});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].kind, AlertChangeKind::kFired);
  EXPECT_EQ(changes[0].alert.state, AlertState::kFiring);
  EXPECT_EQ(changes[0].alert.severity, Severity::kWarning);
  EXPECT_EQ(changes[0].alert.value, 0.3);
  EXPECT_EQ(changes[0].alert.bound, 0.1);
  EXPECT_EQ(changes[0].alert.since, At(0));
  EXPECT_THAT(Look(61, {P99(0.3)}), IsEmpty()) << "it is told once";
}

TEST_F(AlertBookTest, ATimeWithoutLooksEndsNothing) {
  Look(0, {P99(0.2, "home"), P99(0.2, "cart")});
  Look(60, {P99(0.2, "home"), P99(0.2, "cart")});
  Look(61, {P99(0.2, "home"), P99(0.2, "cart"), P99(0.2, "search")});
  const std::string id = book_.Alerts().front().id;
  ASSERT_TRUE(book_.Acknowledge(id, "li", "mine").ok());
  AlertBook after;
  ASSERT_TRUE(after.SetRules({SlowAnswers()}).ok());
  ASSERT_TRUE(after.Load(book_.ToJson()).ok());
  // An hour later, and the first look has no differences.
  EXPECT_THAT(after.Look(At(3661), {}), IsEmpty());
  ASSERT_NE(after.Find(id), nullptr);
  EXPECT_EQ(after.Find(id)->state, AlertState::kAcknowledged);
  EXPECT_THAT(after.Alerts(), SizeIs(2)) << "what was pending was not watched for this hour";
  // What does not come back ends as always.
  const std::vector<Signal> home = {P99(0.2, "home")};
  EXPECT_THAT(after.Look(At(3661 + 599), home), IsEmpty());
  const auto changes = after.Look(At(3661 + 600), home);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].kind, AlertChangeKind::kResolved);
}

TEST_F(AlertBookTest, OneGoodLookEndsWhatIsPending) {
  Look(0, {P99(0.2)});
  Look(30, {P99(0.09)});
  EXPECT_THAT(book_.Alerts(), IsEmpty());
  Look(31, {P99(0.2)});
  EXPECT_THAT(Look(62, {P99(0.2)}), IsEmpty()) << "the minute begins anew";
}

TEST_F(AlertBookTest, BetweenTheBoundsItStaysAndEndsWhenItWasGoodForLongEnough) {
  Look(0, {P99(0.2)});
  Look(60, {P99(0.2)});
  for (const int second : {100, 200, 300}) {
    EXPECT_THAT(Look(second, {P99(0.09)}), IsEmpty()) << "no longer bad, not yet recovered";
  }
  EXPECT_THAT(Look(400, {P99(0.08)}), IsEmpty());
  EXPECT_THAT(Look(450, {P99(0.09)}), IsEmpty());
  EXPECT_THAT(Look(460, {P99(0.07)}), IsEmpty());
  EXPECT_THAT(Look(579, {P99(0.07)}), IsEmpty());
  const auto changes = Look(580, {P99(0.07)});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].kind, AlertChangeKind::kResolved);
  EXPECT_EQ(Only().state, AlertState::kResolved);
  EXPECT_EQ(Only().resolved, At(580));
}

TEST_F(AlertBookTest, GettingWorseIsToldAndTakesTheAcknowledgementBack) {
  Look(0, {P99(0.2)});
  Look(60, {P99(0.2)});
  const std::string id = Only().id;
  ASSERT_TRUE(book_.Acknowledge(id, "li", "looking at it").ok());
  EXPECT_EQ(Only().state, AlertState::kAcknowledged);
  EXPECT_THAT(Look(70, {P99(0.2)}), IsEmpty());
  const auto changes = Look(80, {P99(0.6)});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].kind, AlertChangeKind::kWorsened);
  EXPECT_EQ(changes[0].alert.state, AlertState::kFiring);
  EXPECT_EQ(changes[0].alert.bound, 0.5);
  EXPECT_THAT(Look(90, {P99(0.2)}), IsEmpty());
  EXPECT_EQ(Only().severity, Severity::kCritical) << "the worst until it recovers";
}

TEST_F(AlertBookTest, EachSeriesIsAnAlertOfItsOwn) {
  Look(0, {P99(0.2, "home"), P99(0.2, "cart"), P99(0.01, "item")});
  const auto changes = Look(60, {P99(0.2, "home"), P99(0.7, "cart"), P99(0.01, "item")});
  ASSERT_THAT(changes, SizeIs(2));
  const auto alerts = book_.Alerts();
  ASSERT_THAT(alerts, SizeIs(2));
  EXPECT_EQ(alerts[0].labels.at("scene"), "cart") << "the worse one first";
  EXPECT_NE(alerts[0].id, alerts[1].id);
}

TEST_F(AlertBookTest, TooFewObservationsSayNothingEitherWay) {
  AlertRule rule = SlowAnswers();
  rule.least_rows = 100;
  rule.bad_for = seconds(0);
  ASSERT_TRUE(book_.SetRules({rule}).ok());
  EXPECT_THAT(Look(0, {P99(0.9, "home", 99)}), IsEmpty());
  EXPECT_THAT(Look(1, {P99(0.9, "home", 100)}), SizeIs(1));
  EXPECT_THAT(Look(700, {P99(0.01, "home", 3)}), IsEmpty()) << "nothing says that it is over";
  EXPECT_EQ(Only().state, AlertState::kFiring);
}

TEST_F(AlertBookTest, WhatIsNotThereAnyMoreEnds) {
  Look(0, {P99(0.2)});
  Look(60, {P99(0.2)});
  EXPECT_THAT(Look(600, {}), IsEmpty());
  const auto changes = Look(661, {});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].kind, AlertChangeKind::kResolved);
  EXPECT_THAT(changes[0].alert.note, HasSubstr("not there any more"));
  Look(700, {P99(0.2)});
  Look(760, {P99(0.2)});
  ASSERT_TRUE(book_.SetRules({}).ok());
  EXPECT_THAT(Look(761, {P99(0.2)}), SizeIs(1)) << "without its rule";
}

TEST_F(AlertBookTest, ASilencedAlertGoesItsWayAndIsToldWhenItIsHeardAgain) {
  QuietTime quiet{.rule = "slow",
                  .where = {{"scene", "home"}},
                  .from = At(0),
                  .until = At(300),
                  .by = "li",
                  .why = "load test"};
  const auto added = book_.AddQuiet(quiet);
  ASSERT_TRUE(added.ok());
  Look(0, {P99(0.2)});
  EXPECT_THAT(Look(60, {P99(0.2), P99(0.2, "cart")}), IsEmpty());
  EXPECT_EQ(book_.Alerts()[0].quiet_by, added->id);
  EXPECT_EQ(book_.Alerts()[0].state, AlertState::kFiring);
  EXPECT_THAT(Look(120, {P99(0.2), P99(0.2, "cart")}), SizeIs(1)) << "another scene is heard";
  EXPECT_THAT(Look(299, {P99(0.2)}), IsEmpty());
  EXPECT_THAT(Look(300, {P99(0.2)}), SizeIs(1));
  EXPECT_EQ(book_.EndQuiet("q99", At(0)).code(), Code::kNotFound);
}

TEST_F(AlertBookTest, ASaleExcusesOnlyRulesThatRestInSales) {
  AlertRule shift = SlowAnswers();
  shift.name = "shift";
  shift.bad_for = seconds(0);
  shift.rests_in_sales = true;
  AlertRule slow = SlowAnswers();
  slow.bad_for = seconds(0);
  ASSERT_TRUE(book_.SetRules({shift, slow}).ok());
  ASSERT_TRUE(book_
                  .AddQuiet({.kind = QuietKind::kSale,
                             .from = At(0),
                             .until = At(100),
                             .by = "li",
                             .why = "11.11"})
                  .ok());
  const auto changes = Look(1, {P99(0.2)});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].alert.rule, "slow");
  EXPECT_THAT(Look(100, {P99(0.2)}), SizeIs(1)) << "still so when the sale is over";
}

TEST_F(AlertBookTest, ComparesWithTheSameTimeOfADayBefore) {
  AlertRule fewer{.name = "fewer-clicks",
                  .signal = "quality.ctr",
                  .side = Side::kBelow,
                  .against = Against::kLastDay,
                  .warning = -0.2,
                  .bad_for = seconds(0),
                  .good_for = seconds(0)};
  ASSERT_TRUE(book_.SetRules({fewer}).ok());
  const auto ctr = [](double value) {
    return Signal{.name = "quality.ctr",
                  .labels = {{"model", "a:1"}, {"scene", "home"}},
                  .value = value,
                  .rows = 10'000};
  };
  constexpr int kDay = 86'400;
  for (int second = 0; second < 3600; second += 60) {
    EXPECT_THAT(Look(second, {ctr(0.10)}), IsEmpty()) << "nothing to compare with yet";
  }
  EXPECT_THAT(Look(kDay + 60, {ctr(0.09)}), IsEmpty());
  const auto changes = Look(kDay + 120, {ctr(0.07)});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_NEAR(changes[0].alert.value, -0.3, 1e-6);
  EXPECT_EQ(changes[0].alert.bound, -0.2);
}

TEST_F(AlertBookTest, AShareThatMayHaveFallenByChanceCallsNobody) {
  AlertRule fewer{.name = "fewer-clicks",
                  .signal = "quality.ctr",
                  .side = Side::kBelow,
                  .against = Against::kLastDay,
                  .warning = -0.2,
                  .recovery = -0.1,
                  .bad_for = seconds(0),
                  .good_for = seconds(0)};
  ASSERT_TRUE(book_.SetRules({fewer}).ok());
  const auto ctr = [](double value, double rows) {
    return Signal{.name = "quality.ctr",
                  .labels = {{"model", "a:1"}, {"scene", "home"}},
                  .value = value,
                  .rows = rows};
  };
  constexpr int kDay = 86'400;
  for (int second = 0; second < 3600; second += 60) {
    EXPECT_THAT(Look(second, {ctr(0.05, 2000)}), IsEmpty());
  }
  // 100 clicks then, 65 now: 2.8 standard errors.
  EXPECT_THAT(Look(kDay + 60, {ctr(0.0325, 2000)}), IsEmpty());
  EXPECT_THAT(Look(kDay + 120, {ctr(0.0325, 20'000)}), SizeIs(1)) << "650, and 1,000 expected";
  const auto ended = Look(kDay + 180, {ctr(0.0325, 2000)});
  ASSERT_THAT(ended, SizeIs(1)) << "what cannot be told from chance is no alert any more";
}

TEST_F(AlertBookTest, IsTheSameAfterARestart) {
  Look(0, {P99(0.2), P99(0.2, "cart")});
  Look(60, {P99(0.2), P99(0.2, "cart")});
  Look(61, {P99(0.2), P99(0.9, "item")});
  ASSERT_TRUE(book_.Acknowledge(book_.Alerts()[0].id, "li", "mine").ok());
  ASSERT_TRUE(
      book_
          .AddQuiet({.rule = "slow", .from = At(0), .until = At(900), .by = "li", .why = "why not"})
          .ok());
  AlertBook again;
  ASSERT_TRUE(again.SetRules({SlowAnswers()}).ok());
  ASSERT_TRUE(again.Load(book_.ToJson()).ok());
  EXPECT_EQ(again.Alerts(), book_.Alerts());
  EXPECT_EQ(again.quiet_times(), book_.quiet_times());
  EXPECT_EQ(again.ToJson(), book_.ToJson());
  // What was told is not told again.
  EXPECT_THAT(again.Look(At(1000), std::vector<Signal>{P99(0.2), P99(0.2, "cart")}), IsEmpty());
}

TEST_F(AlertBookTest, AFileThatIsNotOursChangesNothing) {
  Look(0, {P99(0.2)});
  const auto before = book_.Alerts();
  for (const char* text :
       {"", "[]", "{", R"({"format":1,"alerts":[{}]})", R"({"x":1})",
        R"({"format":1,"resolved":[{"id":"a"}]})", R"({"format":1,"history":"[1]"})"}) {
    EXPECT_EQ(book_.Load(text).code(), Code::kDataLoss) << text;
    EXPECT_EQ(book_.Alerts(), before);
  }
}

TEST_F(AlertBookTest, ThereIsABoundOnHowManyAreListed) {
  AlertBook small({.most_alerts = 3});
  AlertRule rule = SlowAnswers();
  rule.bad_for = seconds(0);
  ASSERT_TRUE(small.SetRules({rule}).ok());
  std::vector<Signal> signals;
  for (int scene = 0; scene < 10; ++scene) {
    signals.push_back(P99(0.9, "s" + std::to_string(scene)));
  }
  EXPECT_THAT(small.Look(At(0), signals), SizeIs(3));
  EXPECT_EQ(small.unlisted(), 7U);
}

TEST_F(AlertBookTest, OnlyWhatFiresCanBeAcknowledged) {
  EXPECT_EQ(book_.Acknowledge("nothing", "li", "").code(), Code::kNotFound);
  Look(0, {P99(0.2)});
  EXPECT_EQ(book_.Acknowledge(Only().id, "li", "").code(), Code::kFailedPrecondition);
}

TEST(AlertRules, WhatCannotBeMeantIsRefusedWithWhatWouldDo) {
  const auto refused = [](auto&& change) {
    AlertRule rule = SlowAnswers();
    change(rule);
    const Status status = Validate(rule);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  EXPECT_TRUE(Validate(SlowAnswers()).ok());
  EXPECT_THAT(refused([](AlertRule& r) { r.name = "two words"; }), HasSubstr("letters"));
  EXPECT_THAT(refused([](AlertRule& r) { r.signal = "service.p99_second"; }),
              HasSubstr("did you mean 'service.p99_seconds'"));
  EXPECT_THAT(refused([](AlertRule& r) { r.where = {{"event", "view"}}; }),
              HasSubstr("model, scene"));
  EXPECT_THAT(refused([](AlertRule& r) { r.warning.reset(), r.critical.reset(); }),
              HasSubstr("give a bound"));
  EXPECT_THAT(refused([](AlertRule& r) { r.warning = 0.6; }), HasSubstr("must be lower"));
  EXPECT_THAT(refused([](AlertRule& r) { r.side = Side::kBelow; }), HasSubstr("must be higher"));
  EXPECT_THAT(refused([](AlertRule& r) { r.recovery = 0.2; }), HasSubstr("recovery"));
  EXPECT_THAT(refused([](AlertRule& r) { r.priority = 6; }), HasSubstr("priority"));
}

TEST(AlertRules, TheDefaultOnesAreGoodAndComeBackFromJson) {
  const std::vector<AlertRule> rules = DefaultAlertRules();
  AlertBook book;
  EXPECT_TRUE(book.SetRules(rules).ok());
  const auto read = AlertRulesFromJson(AlertRulesToJson(rules));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(*read, rules);
  EXPECT_THAT(AlertRulesFromJson(R"({"format":1,"rules":[{"nam":"x"}]})").status().message(),
              HasSubstr("rules[0].nam is not known; did you mean 'name'"));
  EXPECT_EQ(AlertRulesFromJson(R"({"format":9,"rules":[]})").status().code(),
            Code::kFailedPrecondition);
}

}  // namespace
}  // namespace vitrine::monitor
