#include "feedback/retrain_trigger.h"

#include <gtest/gtest.h>

namespace vitrine::feedback {
namespace {

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;

TriggerInputs Quiet() {
  TriggerInputs inputs;
  inputs.last_trained = Micros{1};
  inputs.now = Micros{1 + 2 * kHour};
  inputs.new_events = 2000;
  inputs.trained_events = 100'000;
  return inputs;
}

void Expect(const TriggerInputs& inputs, const TriggerPolicy& policy, TriggerCause cause,
            std::string_view says) {
  const TriggerDecision decision = DecideRetrain(inputs, policy);
  EXPECT_EQ(decision.cause, cause) << decision.reason;
  EXPECT_EQ(decision.retrain, cause != TriggerCause::kNone);
  EXPECT_NE(decision.reason.find(says), std::string::npos) << decision.reason;
}

TEST(RetrainTriggerTest, NothingHappenedNothingIsDone) {
  Expect(Quiet(), {}, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, Schedule) {
  TriggerInputs inputs = Quiet();
  inputs.now = Micros{1 + 24 * kHour};
  Expect(inputs, {}, TriggerCause::kSchedule, "24.0 h ago");
  Expect(inputs, {.every = {0}}, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, FirstTraining) {
  TriggerInputs inputs = Quiet();
  inputs.last_trained = {};
  Expect(inputs, {}, TriggerCause::kFirst, "2000 events");
}

TEST(RetrainTriggerTest, Drift) {
  TriggerInputs inputs = Quiet();
  inputs.drifted = {"history"};
  Expect(inputs, {}, TriggerCause::kDrift, "1 served feature has drifted (history)");
  Expect(inputs, {.drifted_features = 2}, TriggerCause::kNone, "1 drifted");
  Expect(inputs, {.drifted_features = 0}, TriggerCause::kNone, "1 drifted");
}

TEST(RetrainTriggerTest, QualityOnlyWhenItIsSure) {
  TriggerInputs inputs = Quiet();
  inputs.quality = {{"click rate", {0.07, 0.06, 0.08}, 0.10, 5000}};
  Expect(inputs, {}, TriggerCause::kQuality, "fell from 0.1000 to 0.0700");
  inputs.quality[0].now.high = 0.095;
  Expect(inputs, {}, TriggerCause::kNone, "No cause");
  inputs.quality[0].now.high = 0.08;
  inputs.quality[0].answers = 100;
  Expect(inputs, {}, TriggerCause::kNone, "No cause");
  inputs.quality[0].answers = 5000;
  Expect(inputs, {.quality_loss = 0}, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, Volume) {
  TriggerInputs inputs = Quiet();
  inputs.new_events = 50'000;
  Expect(inputs, {}, TriggerCause::kVolume, "50 % of it");
  Expect(inputs, {.growth = 0}, TriggerCause::kNone, "No cause");
}

TEST(RetrainTriggerTest, NoCauseOverridesRunningCoolingOrTooLittle) {
  TriggerInputs inputs = Quiet();
  inputs.drifted = {"history"};
  inputs.running = true;
  Expect(inputs, {}, TriggerCause::kNone, "under way");
  inputs.running = false;
  inputs.now = Micros{1 + kHour / 2};
  Expect(inputs, {}, TriggerCause::kNone, "rests");
  inputs.now = Micros{1 + 2 * kHour};
  inputs.new_events = 10;
  Expect(inputs, {}, TriggerCause::kNone, "Only 10 new events");
}

}  // namespace
}  // namespace vitrine::feedback
