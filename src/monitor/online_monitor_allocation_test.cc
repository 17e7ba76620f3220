// A warm monitor counts an answer without asking for memory. A program of its own, because it replaces operator new.

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "core/allocations_testing.h"
#include "monitor/estimate/quality_estimate.h"
#include "monitor/online_monitor.h"
#include "monitor/outcomes/business_outcomes.h"
#include "monitor/outcomes/list_behaviour.h"
#include "monitor/stable_hash.h"
#include "monitor/watched_testing.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {
namespace {

TEST(OnlineMonitorAllocation, AnAnswerCostsNone) {
  MetricRegistry metrics;
  MonitorOptions options;
  options.window.slot_requests = 50;
  options.skew.every = 0;  // an answer that is sampled keeps copies of its tensors by intent
  OnlineMonitor monitor(options, &metrics);
  monitor.Watch(WatchedHistory("a version with a long name:1"));
  std::mt19937 random(1);
  std::vector<std::vector<Tensor>> features;
  for (int i = 0; i < 100; ++i) {
    features.push_back(DrawHistory(random, 15));
  }
  const std::vector<double> scores = {3, 2, 1};
  Impression impression;
  impression.request_id = "a request of more than sixteen letters";
  impression.model = "a version with a long name:1";
  impression.scene = "a scene of more than sixteen letters";
  impression.seconds = 0.001;
  impression.items = {{"an item of more than sixteen letters", 1, "model"}};
  std::size_t before = 0;
  for (int i = 0; i < 4000; ++i) {
    if (i == 2000) {
      before = allocations;
    }
    impression.fallback = i % 10 == 0 ? "no_model" : "";
    monitor.OnServed(impression.model, impression.request_id,
                     features[static_cast<std::size_t>(i) % 100], scores,
                     Micros{i * kMicrosPerSecond / 2});  // within an hour: its beginning costs some
    monitor.OnImpression(impression);
  }
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_EQ(monitor.Service().answers, 4000U);
}

TEST(OnlineMonitorAllocation, AnEstimateCostsNone) {
  const std::array<Micros, kLabels> windows = {Micros{1'800 * kMicrosPerSecond},
                                               Micros{1'800 * kMicrosPerSecond}};
  QualityEstimates estimates({5, 10, 20}, windows);
  const std::string row = "a version with a long name:1\na scene of more than sixteen letters";
  Impression impression;
  std::map<HourRow, QualityCounts> hours;
  std::size_t before = 0;
  for (int i = 0; i < 4000; ++i) {
    if (i == 1000) {
      hours[{0, row}].answers = 1000;
      estimates.Advance({2 * kMicrosPerHour}, hours);
    }
    if (i == 2000) {
      before = allocations;
    }
    impression.items.resize(10);
    for (int place = 0; place < 10; ++place) {
      impression.items[static_cast<std::size_t>(place)].score = (i * 7 + place) % 100;
    }
    AnswerScores scores;
    estimates.OnAnswer(row, impression, i < 1000 ? 0 : 3, {i}, scores);
    estimates.OnLabels(Label::kClick, scores, 1, 0, i < 1000 ? 0 : 3);
    estimates.OnLabels(Label::kPurchase, scores, 1, 0, i < 1000 ? 0 : 3);
  }
  EXPECT_EQ(allocations - before, 0U);
  ASSERT_FALSE(estimates.Report().empty());
  EXPECT_EQ(estimates.Report()[0].open.answers, 3000U);
}

TEST(OnlineMonitorAllocation, OutcomesAndBehaviourCostNone) {
  const std::string row = "a version with a long name:1\na scene of more than sixteen letters";
  constexpr std::int64_t kShoppers = 20'000;  // more than the sample takes
  constexpr std::size_t kPlaces = 20;
  BusinessOutcomes outcomes;
  ListBehaviour behaviour;
  Impression impression;
  impression.items.resize(kPlaces);
  std::array<std::uint64_t, kPlaces> items{};
  std::size_t before = 0;
  for (std::int64_t i = 0; i < 4000 + kShoppers; ++i) {
    if (i == 2000) {
      before = allocations;
    }
    const std::uint64_t shopper = StableHash(std::string_view(reinterpret_cast<char*>(&i), 8));
    const auto group = static_cast<std::size_t>(shopper % kShopperGroups);
    for (std::size_t place = 0; place < kPlaces; ++place) {
      items[place] = shopper * (place + 1);
      impression.items[place].score = 1.0 / static_cast<double>(place + 1);
      behaviour.items().OnAction(items[place]);
      behaviour.items().OnItem(items[place], place % 2 == 0 ? "shoes" : "hats");
    }
    const std::uint16_t number = outcomes.OnAnswer(row, shopper, group, kPlaces, {i});
    outcomes.OnValue(number, shopper, group, 9.5, shopper + 1);
    outcomes.OnDwell(number, group, 3);
    behaviour.OnAnswer(row, impression, items, {.scored = true, .lowest = 0.1, .highest = 1}, 0);
  }
  EXPECT_EQ(allocations - before, 0U);
  ASSERT_EQ(outcomes.Report().size(), 1U);
  EXPECT_LT(outcomes.Report()[0].sampled, static_cast<std::uint64_t>(kShoppers)) << "a sample";
  EXPECT_EQ(behaviour.totals().at(row).places, (4000.0 + kShoppers) * kPlaces);
}

}  // namespace
}  // namespace vitrine::monitor
