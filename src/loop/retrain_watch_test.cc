#include "loop/retrain_watch.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace vitrine::loop {
namespace {

using feedback::TriggerCause;

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;

/// A shop whose clock, events and jobs a test sets.
class RetrainWatchTest : public testing::Test {
 protected:
  std::unique_ptr<RetrainWatch> Open(RetrainWatchOptions options) {
    options.every = std::chrono::milliseconds(0);
    options.now = [this] { return now_; };
    return std::make_unique<RetrainWatch>(
        std::move(options),
        RetrainWatch::Ports{
            .look = [this](Micros) -> Result<RetrainSight> { return sight_; },
            .start = [this](const feedback::TriggerDecision& decision) -> Result<std::string> {
              RETURN_IF_ERROR(start_);
              started_.emplace_back(TriggerCauseName(decision.cause));
              sight_.inputs.running = true;
              return "job-" + std::to_string(started_.size());
            },
            .read = [this]() -> Result<std::string> { return kept_; },
            .keep =
                [this](const std::string& text) {
                  kept_ = text;
                  return Status::Ok();
                }});
  }
  RetrainWatchOptions OnDrift() const { return {.schedule = {}, .policy = {.drift = true}}; }
  void EndTurn() {
    sight_.inputs.running = false;
    sight_.inputs.last_turn = now_;
  }

  Micros now_{100 * kHour};
  RetrainSight sight_{.inputs = {}, .events = 5000};
  Status start_ = Status::Ok();
  std::vector<std::string> started_;
  std::string kept_;
};

TEST_F(RetrainWatchTest, OneCauseStartsOneTurn) {
  sight_.inputs.last_turn = Micros{90 * kHour};
  const auto watch = Open(OnDrift());
  EXPECT_FALSE(watch->LookNow()->decision.retrain);  // nothing has come since it looks
  sight_.events += 1000;
  EXPECT_EQ(watch->LookNow()->new_events, 1000U);
  EXPECT_TRUE(started_.empty());  // no cause
  sight_.inputs.drifted = {"history"};
  EXPECT_EQ(watch->LookNow()->job, "job-1");
  EXPECT_EQ(watch->LookNow()->job, "");  // it is under way
  EndTurn();
  now_.value += 2 * kHour;
  EXPECT_EQ(watch->LookNow()->new_events, 0U);  // counted from that turn on
  EXPECT_EQ(started_, std::vector<std::string>{"drift"});
}

TEST_F(RetrainWatchTest, ANewProcessCountsFromTheSameTurn) {
  sight_.inputs.last_turn = Micros{90 * kHour};
  Open(OnDrift())->LookNow();
  sight_.events += 1500;
  EXPECT_EQ(Open(OnDrift())->LookNow()->new_events, 1500U);
  sight_.events = 200;  // the monitor's state was lost
  EXPECT_EQ(Open(OnDrift())->LookNow()->new_events, 200U);
  kept_ = "{\"last_turn\":\"?\"";
  EXPECT_EQ(Open(OnDrift())->LookNow()->error, "");
}

TEST_F(RetrainWatchTest, WhatCameWhileATurnRanIsNew) {
  sight_.inputs.last_turn = Micros{90 * kHour};
  Open(OnDrift())->LookNow();
  int asked = 0;
  sight_.left = [&asked]() -> Result<std::uint64_t> {
    ++asked;
    return 300U;
  };
  EndTurn();
  EXPECT_EQ(Open(OnDrift())->LookNow()->new_events, 300U);
  sight_.events += 50;
  EXPECT_EQ(Open(OnDrift())->LookNow()->new_events, 350U);
  EXPECT_EQ(asked, 1) << "once a turn";
  now_.value += kHour;
  EndTurn();
  sight_.left = []() -> Result<std::uint64_t> { return Unavailable("the log"); };
  EXPECT_NE(Open(OnDrift())->LookNow()->error.find("the log"), std::string::npos);
  // After a start the count lags behind what the turn took: nothing of that is new, also once it is counted.
  sight_.events = 100;
  sight_.lags = true;
  EXPECT_EQ(Open(OnDrift())->LookNow()->new_events, 0U);
  sight_.events = 5050;
  sight_.lags = false;
  sight_.left = []() -> Result<std::uint64_t> { return 0U; };
  EXPECT_EQ(Open(OnDrift())->LookNow()->new_events, 0U);
  now_.value += kHour;
  EndTurn();
  sight_.left = []() -> Result<std::uint64_t> {
    return 10'000U;
  };  // the count began anew meanwhile
  EXPECT_EQ(Open(OnDrift())->LookNow()->new_events, sight_.events);
}

TEST_F(RetrainWatchTest, ADriftThatATurnDidNotEndStartsNoOtherForAWeek) {
  sight_.inputs.last_turn = Micros{90 * kHour};
  sight_.inputs.drifted = {"length"};
  Open(OnDrift())->LookNow();
  const auto look_after = [&](std::int64_t hours) {
    EndTurn();
    Open(OnDrift())->LookNow();  // a process of its own each time
    now_.value += hours * kHour;
    sight_.events += 2000;
    return Open(OnDrift())->LookNow();
  };
  EXPECT_EQ(look_after(2)->job, "job-1");
  const auto again = look_after(2);
  EXPECT_EQ(again->job, "");
  EXPECT_NE(again->decision.reason.find("did not end the drift of length"), std::string::npos);
  sight_.inputs.drifted = {"length", "price"};
  const auto other = look_after(2);
  EXPECT_EQ(other->job, "job-2");
  EXPECT_NE(other->decision.reason.find("(price)"), std::string::npos);
  EXPECT_EQ(look_after(2)->job, "");
  EXPECT_EQ(look_after(7 * 24)->job, "job-3");
}

TEST_F(RetrainWatchTest, TheScheduleGoesOffOnceAMinuteOfIts) {
  RetrainWatchOptions options;
  options.schedule = *Cron::Parse("0 4 * * *");
  now_ = Micros{4 * 24 * kHour};  // midnight
  sight_.inputs.last_turn = Micros{now_.value - kHour};
  const auto watch = Open(options);
  watch->LookNow();
  sight_.events += 10'000;
  const auto quiet = watch->LookNow();
  EXPECT_TRUE(started_.empty());
  EXPECT_EQ(quiet->next, std::optional(Micros{now_.value + 4 * kHour}));
  now_.value += 6 * kHour;  // the server was away at four
  watch->LookNow();
  EXPECT_EQ(started_, std::vector<std::string>{"schedule"});
  EndTurn();
  watch->LookNow();
  sight_.events += 10'000;
  now_.value += 12 * kHour;
  watch->LookNow();
  EXPECT_EQ(started_.size(), 1U);
  now_.value += 12 * kHour;
  watch->LookNow();
  EXPECT_EQ(started_.size(), 2U);
}

TEST_F(RetrainWatchTest, WhatAFreezeHoldsIsListedAndGoesOffAfterwards) {
  sight_.inputs.last_turn = Micros{90 * kHour};
  const auto watch = Open(OnDrift());
  watch->LookNow();
  sight_.events += 2000;
  sight_.inputs.drifted = {"history"};
  sight_.inputs.frozen = "a sale";
  watch->LookNow();
  const Micros since = now_;
  now_.value += kHour;
  const auto held = watch->LookNow();
  ASSERT_EQ(held->held.size(), 1U);
  EXPECT_EQ(held->held[0].cause, TriggerCause::kDrift);
  EXPECT_EQ(held->held[0].since, since);
  EXPECT_NE(ToJson(*held).find(R"("cause":"drift")"), std::string::npos);
  EXPECT_TRUE(started_.empty());
  sight_.inputs.frozen.clear();
  const auto after = watch->LookNow();
  EXPECT_TRUE(after->held.empty());
  EXPECT_EQ(started_.size(), 1U);
}

TEST_F(RetrainWatchTest, ATurnThatCannotBeQueuedIsTriedAtTheNextLook) {
  sight_.inputs.last_turn = Micros{90 * kHour};
  const auto watch = Open(OnDrift());
  watch->LookNow();
  sight_.events += 2000;
  sight_.inputs.drifted = {"history"};
  start_ = Unavailable("the disk is full");
  EXPECT_EQ(watch->LookNow()->error, "the disk is full");
  start_ = Status::Ok();
  EXPECT_EQ(watch->LookNow()->job, "job-1");
}

}  // namespace
}  // namespace vitrine::loop
