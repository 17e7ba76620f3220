#include "feedback/retrain_trigger.h"

#include <gtest/gtest.h>

namespace vitrine::feedback {
namespace {

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;
constexpr TriggerPolicy kEverything{
    .quality = true, .drift = true, .growth = 0.5, .newcomers = 0.1};

TriggerInputs Quiet() {
  TriggerInputs inputs;
  inputs.last_turn = Micros{kHour};
  inputs.now = Micros{3 * kHour};
  inputs.new_events = 2000;
  inputs.trained_events = 100'000;
  inputs.items = 1000;
  return inputs;
}

TriggerDecision Expect(const TriggerInputs& inputs, const TriggerPolicy& policy, TriggerCause cause,
                       std::string_view says) {
  TriggerDecision decision = DecideRetrain(inputs, policy);
  EXPECT_EQ(decision.cause, cause) << decision.reason;
  EXPECT_EQ(decision.retrain, cause != TriggerCause::kNone && !decision.held);
  EXPECT_NE(decision.reason.find(says), std::string::npos) << decision.reason;
  return decision;
}

TEST(RetrainTriggerTest, NothingHappenedNothingIsDone) {
  Expect(Quiet(), kEverything, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, TheScheduleIsDueOnce) {
  TriggerInputs inputs = Quiet();
  inputs.slot = Micros{2 * kHour};
  Expect(inputs, {}, TriggerCause::kSchedule, "schedule at 1970-01-01T02:00:00Z");
  inputs.slot =
      inputs.last_turn;  // a turn that began before it, and ended since, was no turn of it
  Expect(inputs, {}, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, ARolloutHoldsTheNextTurn) {
  TriggerInputs inputs = Quiet();
  inputs.drifted = {"history"};
  inputs.rollout = "rollout-000003 goes on";
  EXPECT_TRUE(
      Expect(inputs, kEverything, TriggerCause::kDrift, "Held: rollout-000003 goes on.").held);
  inputs.drifted.clear();
  Expect(inputs, kEverything, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, ARolloutThatFailedRestsAsItsTurnDoesAndLongerEachTime) {
  TriggerInputs inputs = Quiet();
  inputs.drifted = {"history"};
  inputs.now = Micros{1000 * kHour};
  inputs.last_turn = Micros{900 * kHour};
  for (const auto& [failures, hours] : {std::pair(1U, 1), std::pair(2U, 2), std::pair(4U, 8),
                                        std::pair(6U, 24), std::pair(1000U, 24)}) {
    inputs.failed_rollouts = failures;
    inputs.rolled_back = Micros{inputs.now.value - hours * kHour + 1};
    Expect(inputs, kEverything, TriggerCause::kNone, "was rolled back");
    inputs.rolled_back = Micros{inputs.now.value - hours * kHour};
    Expect(inputs, kEverything, TriggerCause::kDrift, "drifted");
  }
  TriggerPolicy slow = kEverything;
  slow.cool_down = Micros{100 * kHour};
  inputs.rolled_back = Micros{inputs.now.value - 99 * kHour};
  Expect(inputs, slow, TriggerCause::kNone, "it rests for 100.0 h");
}

TEST(RetrainTriggerTest, FirstTraining) {
  TriggerInputs inputs = Quiet();
  inputs.last_turn = {};
  Expect(inputs, {}, TriggerCause::kFirst, "2000 events");
}

TEST(RetrainTriggerTest, EachCauseWhereItIsAskedFor) {
  TriggerInputs inputs = Quiet();
  inputs.unknown_items = 100;
  Expect(inputs, kEverything, TriggerCause::kCatalogue, "100 of the catalogue's 1000 items: 10 %");
  inputs.new_events = 50'000;
  Expect(inputs, kEverything, TriggerCause::kVolume, "50 % of it");
  inputs.drifted = {"history"};
  Expect(inputs, kEverything, TriggerCause::kDrift, "1 served feature has drifted (history)");
  inputs.losses = {"fewer-clicks of home"};
  Expect(inputs, kEverything, TriggerCause::kQuality, "take less of what is shown: fewer-clicks");
  Expect(inputs, {}, TriggerCause::kNone, "No cause");
  inputs.unknown_items = 99;
  inputs.new_events = 49'999;
  inputs.drifted.clear();
  inputs.losses.clear();
  Expect(inputs, kEverything, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, NoCauseOverridesRunningCoolingOrTooLittle) {
  TriggerInputs inputs = Quiet();
  inputs.drifted = {"history"};
  inputs.running = true;
  Expect(inputs, kEverything, TriggerCause::kNone, "under way");
  inputs.running = false;
  inputs.now = Micros{kHour + kHour / 2};
  Expect(inputs, kEverything, TriggerCause::kNone, "rests");
  inputs.now = Micros{3 * kHour};
  inputs.new_events = 10;
  Expect(inputs, kEverything, TriggerCause::kNone, "Only 10 new events");
}

TEST(RetrainTriggerTest, AFreezeAndTheBudgetHoldWhatHasACause) {
  TriggerInputs inputs = Quiet();
  inputs.frozen = "the sale \"singles day\" lasts until tomorrow";
  EXPECT_FALSE(Expect(inputs, kEverything, TriggerCause::kNone, "No cause").held);
  inputs.drifted = {"history"};
  EXPECT_TRUE(Expect(inputs, kEverything, TriggerCause::kDrift, "Held: the sale").held);
  inputs.frozen.clear();
  inputs.started_today = 6;
  EXPECT_TRUE(Expect(inputs, kEverything, TriggerCause::kDrift, "6 are allowed").held);
  inputs.started_today = 5;
  EXPECT_FALSE(Expect(inputs, kEverything, TriggerCause::kDrift, "drifted").held);
}

}  // namespace
}  // namespace vitrine::feedback
