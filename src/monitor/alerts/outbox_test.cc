#include "monitor/alerts/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::monitor {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kStart = 1'800'000'000 * kMicrosPerSecond;

Micros At(std::int64_t second) { return {kStart + second * kMicrosPerSecond}; }

AlertChange Change(const std::string& id, AlertChangeKind kind = AlertChangeKind::kFired,
                   Severity severity = Severity::kWarning) {
  AlertChange change{.kind = kind,
                     .alert = {.id = id, .rule = "slow", .signal = "service.p99_seconds"}};
  change.alert.state =
      kind == AlertChangeKind::kResolved ? AlertState::kResolved : AlertState::kFiring;
  change.alert.severity = severity;
  change.alert.since = change.alert.seen = At(0);
  return change;
}

class OutboxTest : public testing::Test {
 protected:
  void Add(std::int64_t second, std::vector<AlertChange> changes) {
    outbox_.Add("ops", At(second), changes);
  }
  std::vector<Notification> Due(std::int64_t second, std::vector<Alert> open = {}) {
    return outbox_.Due(At(second), open);
  }
  /// The only message that is due.
  Notification Only(std::int64_t second, std::vector<Alert> open = {}) {
    const auto due = Due(second, std::move(open));
    EXPECT_THAT(due, SizeIs(1)) << second;
    return due.empty() ? Notification() : due[0];
  }
  /// As after a death at this moment.
  void Restart() {
    Outbox again;
    ASSERT_TRUE(again.Load(outbox_.ToJson()).ok());
    outbox_ = std::move(again);
  }
  /// That the only message due says this one is over, and nothing else.
  void ExpectEndOf(const std::string& id, std::int64_t second) {
    const Notification message = Only(second);
    ASSERT_THAT(message.changes, SizeIs(1));
    EXPECT_EQ(message.changes[0].alert.id, id);
    EXPECT_EQ(message.changes[0].kind, AlertChangeKind::kResolved);
  }
  Outbox outbox_;
};

TEST_F(OutboxTest, AThousandThatFireAtOnceAreOneMessage) {
  for (int i = 0; i < 1000; ++i) {
    Add(i / 100, {Change("a" + std::to_string(i), AlertChangeKind::kFired,
                         i == 777 ? Severity::kCritical : Severity::kWarning)});
  }
  EXPECT_THAT(Due(29), IsEmpty());
  const auto due = Due(30);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_THAT(due[0].changes, SizeIs(1000));
  EXPECT_EQ(due[0].changes[0].alert.id, "a777") << "the worst first";
  EXPECT_THAT(Due(31), IsEmpty()) << "it is under way";
}

TEST_F(OutboxTest, WhatCameAndWentBeforeAnybodyWasToldIsNotTold) {
  Add(0, {Change("a"), Change("b")});
  Add(10, {Change("a", AlertChangeKind::kResolved)});
  const auto due = Due(30);
  ASSERT_THAT(due, SizeIs(1));
  ASSERT_THAT(due[0].changes, SizeIs(1));
  EXPECT_EQ(due[0].changes[0].alert.id, "b");
}

TEST_F(OutboxTest, TheNextMessageWaits) {
  Add(0, {Change("a")});
  const auto first = Due(30);
  ASSERT_THAT(first, SizeIs(1));
  Add(31, {Change("b")});
  outbox_.Report(first[0], At(32), Status::Ok());
  EXPECT_THAT(Due(61), IsEmpty());
  EXPECT_EQ(outbox_.NextDue(), At(92));
  EXPECT_THAT(Due(92), SizeIs(1));
}

TEST_F(OutboxTest, AFailedMessageGoesAgainUnderItsName) {
  Add(0, {Change("b"), Change("a", AlertChangeKind::kFired, Severity::kCritical)});
  const Notification first = Only(30);
  outbox_.Report(first, At(40), Unavailable("connection refused"));
  const Notification second = Only(50);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(second.changes, first.changes);
}

TEST_F(OutboxTest, WithWhatCameMeanwhileItIsAnotherMessage) {
  Add(0, {Change("a"), Change("c")});
  const auto first = Due(30);
  ASSERT_THAT(first, SizeIs(1));
  Add(35, {Change("b"), Change("c", AlertChangeKind::kResolved)});
  outbox_.Report(first[0], At(40), Unavailable("connection refused"));
  EXPECT_THAT(Due(49), IsEmpty());
  const auto second = Due(50);
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_NE(second[0].id, first[0].id) << "who took the first one would leave this one out";
  EXPECT_EQ(second[0].attempt, 2);
  ASSERT_THAT(second[0].changes, SizeIs(3));
  EXPECT_EQ(second[0].changes[2].kind, AlertChangeKind::kResolved)
      << "somebody may have heard of it";
  outbox_.Report(second[0], At(51), Unavailable("connection refused"));
  EXPECT_EQ(outbox_.NextDue(), At(71)) << "twice the wait";
  EXPECT_THAT(outbox_.records(), SizeIs(2));
  EXPECT_EQ(outbox_.records()[0].error, "connection refused");
  EXPECT_FALSE(outbox_.records()[0].given_up);
}

TEST_F(OutboxTest, AMessageIsGivenUpInTheEnd) {
  Outbox outbox({.attempts = 3});
  outbox.Add("ops", At(0), std::vector{Change("a")});
  std::int64_t second = 0;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    second += 1000;
    const auto due = outbox.Due(At(second), {});
    ASSERT_THAT(due, SizeIs(1)) << attempt;
    EXPECT_EQ(due[0].attempt, attempt);
    outbox.Report(due[0], At(second), Unavailable("away"));
  }
  EXPECT_TRUE(outbox.records()[0].given_up);
  EXPECT_THAT(outbox.Due(At(90'000), {}), IsEmpty());
  EXPECT_EQ(outbox.waiting(), 0U);
}

TEST_F(OutboxTest, WhatWasGivenUpIsSaidAgainWhileItFires) {
  for (const int remind_hours : {4, 0}) {
    Outbox outbox({.remind = std::chrono::hours(remind_hours), .attempts = 1});
    outbox.Add("ops", At(0), std::vector{Change("a")});
    const std::vector<Alert> open = {Change("a").alert};
    auto due = outbox.Due(At(30), open);
    ASSERT_THAT(due, SizeIs(1));
    outbox.Report(due[0], At(30), Unavailable("away"));
    EXPECT_TRUE(outbox.records()[0].given_up);
    EXPECT_THAT(outbox.Due(At(629), open), IsEmpty());
    Outbox again({.remind = std::chrono::hours(remind_hours), .attempts = 1});
    ASSERT_TRUE(again.Load(outbox.ToJson()).ok());
    due = again.Due(At(630), open);
    ASSERT_THAT(due, SizeIs(1)) << remind_hours;
    ASSERT_THAT(due[0].reminders, SizeIs(1));
    again.Report(due[0], At(631), Unavailable("away"));
    due = again.Due(At(1231), open);
    ASSERT_THAT(due, SizeIs(1)) << "until it gets there";
    again.Report(due[0], At(1231), Status::Ok());
    EXPECT_THAT(again.Due(At(1231 + 3600), open), IsEmpty());
    EXPECT_EQ(again.Due(At(1231 + 4 * 3600), open).size(), remind_hours > 0 ? 1U : 0U);
  }
}

TEST_F(OutboxTest, TheEndOfWhatFiredTwiceIsTold) {
  Add(0, {Change("a")});
  outbox_.Report(Only(30), At(30), Status::Ok());
  Add(40, {Change("a", AlertChangeKind::kResolved)});
  Add(50, {Change("a")});
  Add(55, {Change("a", AlertChangeKind::kResolved)});
  ExpectEndOf("a", 200);
}

TEST_F(OutboxTest, TheEndOfWhatMayHaveGotThereIsTold) {
  Add(0, {Change("a")});
  outbox_.Report(Only(30), At(40), DeadlineExceeded("no answer within 10000 ms"));
  Add(45, {Change("a", AlertChangeKind::kResolved)});
  ExpectEndOf("a", 50);
}

TEST_F(OutboxTest, TheEndOfWhatWasSentAtADeathIsTold) {
  Add(0, {Change("a")});
  Only(30);
  Add(31, {Change("a", AlertChangeKind::kResolved)});
  ASSERT_NO_FATAL_FAILURE(Restart());
  ExpectEndOf("a", 32);
}

TEST_F(OutboxTest, OnceItsEndWasToldItIsAsIfItHadNeverBeen) {
  Add(0, {Change("a")});
  outbox_.Report(Only(30), At(30), Status::Ok());
  Add(40, {Change("a", AlertChangeKind::kResolved)});
  outbox_.Report(Only(100), At(100), Status::Ok());
  Add(110, {Change("a")});
  Add(111, {Change("a", AlertChangeKind::kResolved)});
  EXPECT_THAT(Due(1000), IsEmpty());
}

TEST_F(OutboxTest, ANewAlertHasNeitherNameNorAttemptsOfADeadMessage) {
  Add(0, {Change("a")});
  const Notification dead = Only(30);
  outbox_.Report(dead, At(40), Unavailable("away"));
  Add(41, {Change("a", AlertChangeKind::kResolved)});
  for (const Notification& end : Due(50)) {
    outbox_.Report(end, At(50), Status::Ok());
  }
  Add(200, {Change("b")});
  const Notification next = Only(300);
  EXPECT_NE(next.id, dead.id);
  EXPECT_EQ(next.attempt, 1);
}

TEST_F(OutboxTest, WhereTheReceiverForgetsOpenAlertsAreRenewed) {
  outbox_ = Outbox({.remind = std::chrono::hours(0), .renewed = {"ops"}});
  Add(0, {Change("a"), Change("b")});
  outbox_.Report(Only(30), At(30), Status::Ok());
  std::vector<Alert> open = {Change("a").alert, Change("b").alert};
  open[1].state = AlertState::kAcknowledged;
  constexpr int kTwelveHours = 12 * 3600;
  EXPECT_THAT(Due(kTwelveHours, open), IsEmpty());
  EXPECT_THAT(Only(kTwelveHours + 30, open).reminders, SizeIs(2));
}

TEST_F(OutboxTest, AChannelGetsNoMoreAMinuteThanItTakes) {
  Outbox outbox(
      {.gather = std::chrono::seconds(0), .between = std::chrono::seconds(0), .per_minute = 5});
  int sent = 0;
  for (int second = 0; second < 60; ++second) {
    outbox.Add("ops", At(second), std::vector{Change("a" + std::to_string(second))});
    for (const Notification& message : outbox.Due(At(second), {})) {
      outbox.Report(message, At(second), Status::Ok());
      ++sent;
    }
  }
  EXPECT_EQ(sent, 5);
  EXPECT_EQ(outbox.NextDue(), At(60));
  const auto due = outbox.Due(At(60), {});
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_THAT(due[0].changes, SizeIs(55)) << "nothing is lost, it comes together";
}

TEST_F(OutboxTest, WhatNobodyAcknowledgesIsSaidAgain) {
  Add(0, {Change("a"), Change("b")});
  const auto first = Due(30);
  outbox_.Report(first[0], At(30), Status::Ok());
  std::vector<Alert> open = {Change("a").alert, Change("b").alert, Change("never told").alert};
  open[1].state = AlertState::kAcknowledged;
  constexpr int kFourHours = 4 * 3600;
  EXPECT_THAT(Due(kFourHours, open), IsEmpty());
  const auto again = Due(kFourHours + 30, open);
  ASSERT_THAT(again, SizeIs(1));
  ASSERT_THAT(again[0].reminders, SizeIs(1));
  EXPECT_EQ(again[0].reminders[0].id, "a");
  outbox_.Report(again[0], At(kFourHours + 31), Status::Ok());
  EXPECT_THAT(Due(kFourHours + 60, open), IsEmpty());
}

TEST_F(OutboxTest, WhatWaitsOrIsUnderWayIsSentAfterARestart) {
  Add(0, {Change("a")});
  ASSERT_THAT(Due(30), SizeIs(1));
  Add(31, {Change("b")});
  Outbox again;
  ASSERT_TRUE(again.Load(outbox_.ToJson()).ok());
  const auto due = again.Due(At(32), {});
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_THAT(due[0].changes, SizeIs(2));
  for (const char* text : {"", "{", "[]", R"({"lanes":[1]})"}) {
    EXPECT_EQ(again.Load(text).code(), Code::kDataLoss) << text;
  }
}

TEST_F(OutboxTest, WhatWasUnderWayAtADeathHasItsNameAfterwards) {
  Add(0, {Change("a")});
  outbox_.Report(Only(30), At(30), Status::Ok());
  const std::vector<Alert> open = {Change("a").alert};
  const std::int64_t later = 30 + 4 * 3600;
  Add(later - 100, {Change("b"), Change("c", AlertChangeKind::kFired, Severity::kCritical)});
  const Notification before = Only(later, open);
  ASSERT_THAT(before.reminders, SizeIs(1));
  ASSERT_NO_FATAL_FAILURE(Restart());
  const Notification after = Only(later + 1, open);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.attempt, 2);
  EXPECT_EQ(after.changes, before.changes);
  EXPECT_EQ(after.reminders, before.reminders);
  // One that failed, too; and with something new in it it is another.
  outbox_.Report(after, At(later + 2), Unavailable("away"));
  ASSERT_NO_FATAL_FAILURE(Restart());
  const Notification third = Only(later + 60, open);
  EXPECT_EQ(third.id, before.id);
  EXPECT_EQ(third.attempt, 3);
  Add(later + 61, {Change("d")});
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_NE(Only(later + 62, open).id, before.id);
}

TEST_F(OutboxTest, AReminderThatWasUnderWayAtADeathHasItsNameAfterwards) {
  Add(0, {Change("a")});
  outbox_.Report(Only(30), At(30), Status::Ok());
  const std::vector<Alert> open = {Change("a").alert};
  const Notification before = Only(30 + 4 * 3600, open);
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_EQ(Only(31 + 4 * 3600, open).id, before.id);
  ASSERT_NO_FATAL_FAILURE(Restart());
  EXPECT_THAT(Due(32 + 4 * 3600), IsEmpty()) << "it ended meanwhile";
}

TEST_F(OutboxTest, ARestartForgetsNeitherWhatWasSentNorWhatCameOfIt) {
  outbox_ = Outbox(
      {.gather = std::chrono::seconds(0), .between = std::chrono::seconds(0), .per_minute = 2});
  for (int i = 0; i < 2; ++i) {
    Add(i, {Change("a" + std::to_string(i))});
    const auto due = Due(i);
    ASSERT_THAT(due, SizeIs(1));
    outbox_.Report(due[0], At(i), i == 0 ? Status::Ok() : Unavailable("answered 500"));
  }
  Outbox again(
      {.gather = std::chrono::seconds(0), .between = std::chrono::seconds(0), .per_minute = 2});
  ASSERT_TRUE(again.Load(outbox_.ToJson()).ok());
  ASSERT_THAT(again.records(), SizeIs(2));
  EXPECT_EQ(again.records()[0].error, "answered 500");
  EXPECT_TRUE(again.records()[1].delivered);
  const std::vector<AlertChange> more = {Change("b")};
  again.Add("ops", At(10), more);
  EXPECT_THAT(again.Due(At(10), {}), IsEmpty()) << "two were sent within this minute";
  EXPECT_THAT(again.Due(At(61), {}), SizeIs(1));
}

TEST_F(OutboxTest, AReminderThatFailsWaitsForItsTurn) {
  Add(0, {Change("a")});
  outbox_.Report(Due(30)[0], At(30), Status::Ok());
  Alert open = Change("a").alert;
  const std::int64_t later = 30 + 4 * 3600;
  const auto due = Due(later, {open});
  ASSERT_THAT(due, SizeIs(1));
  outbox_.Report(due[0], At(later), Unavailable("answered 500"));
  EXPECT_THAT(Due(later + 60, {open}), IsEmpty());
  EXPECT_THAT(Due(later + 600, {open}), SizeIs(1));
}

}  // namespace
}  // namespace vitrine::monitor
