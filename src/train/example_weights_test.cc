#include "train/example_weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vitrine::train {
namespace {

constexpr ItemIndex kTea = 5;
constexpr ItemIndex kMug = 6;

HistoryEvent Done(EventType type, ItemIndex item, int day = 0) {
  return {.item = item, .ts = {day * kMicrosPerDay}, .type = type, .basket = 0};
}

using Weights = std::vector<float>;

TEST(ExampleWeights, AreThoseOfTheEventsAndOneOfOthers) {
  const History history = {Done(EventType::kView, kTea), Done(EventType::kCart, kTea),
                           Done(EventType::kPurchase, kTea)};
  EXPECT_EQ(WeightsOf(history, {}, {}), (Weights{1, 1, 1}));
  EXPECT_EQ(
      WeightsOf(history, {.by_event = {{EventType::kView, 0.25}, {EventType::kPurchase, 3}}}, {}),
      (Weights{0.25F, 1, 3}));
}

TEST(ExampleWeights, HalveWithTheDays) {
  const History history = {Done(EventType::kView, kTea, 0), Done(EventType::kView, kTea, 10),
                           Done(EventType::kPurchase, kTea, 30)};
  EXPECT_EQ(WeightsOf(history, {.by_event = {{EventType::kPurchase, 4}}, .half_life_days = 10},
                      {30 * kMicrosPerDay}),
            (Weights{0.125F, 0.25F, 4}));
}

TEST(ExampleWeights, BelowNothingTakesBackWhatCameBefore) {
  const ExampleWeights weights{
      .by_event = {{EventType::kView, 0.5}, {EventType::kPurchase, 3}, {EventType::kHide, -3.25}}};
  const History history = {Done(EventType::kView, kTea),     Done(EventType::kPurchase, kMug),
                           Done(EventType::kPurchase, kTea), Done(EventType::kHide, kTea),
                           Done(EventType::kPurchase, kTea), Done(EventType::kHide, kMug)};
  // Of the tea its purchase and half of its view; the mug's purchase wholly; what came later stands.
  EXPECT_EQ(WeightsOf(history, weights, {}), (Weights{0.25F, 0, 0, 0, 3, 0}));
}

TEST(ExampleWeights, ArePlainWhereAllAreOne) {
  EXPECT_TRUE(ExampleWeights{}.plain());
  EXPECT_TRUE((ExampleWeights{.by_event = {{EventType::kView, 1}}}.plain()));
  EXPECT_FALSE((ExampleWeights{.by_event = {{EventType::kView, 2}}}.plain()));
  EXPECT_FALSE((ExampleWeights{.by_event = {}, .half_life_days = 9}.plain()));
}

TEST(ExampleWeights, WrongOnesAreNamed) {
  const auto message = [](const ExampleWeights& weights) {
    return CheckExampleWeights(weights).message();
  };
  EXPECT_EQ(message({.by_event = {{EventType::kHide, -1}}}), "");
  EXPECT_NE(message({.by_event = {{EventType::kReturn, -1}}}).find("takes its purchase back"),
            std::string::npos);
  EXPECT_NE(message({.by_event = {{EventType::kImpression, 0.1}}}).find("weights.impression"),
            std::string::npos);
  for (const double weight : {std::nan(""), HUGE_VAL, 1001.0, -1001.0}) {
    EXPECT_NE(message({.by_event = {{EventType::kCart, weight}}}).find("weights.cart"),
              std::string::npos)
        << weight;
  }
  EXPECT_NE(message({.by_event = {}, .half_life_days = -1}).find("half_life_days"),
            std::string::npos);
  ExampleWeights none;
  for (int t = 0; t < kEventTypes; ++t) {
    const auto type = static_cast<EventType>(t);
    if (NeedsItem(type) && type != EventType::kImpression && type != EventType::kReturn) {
      none.by_event[type] = -1;
    }
  }
  EXPECT_NE(message(none).find("nothing to learn from"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::train
