#include "monitor/windows/feature_hours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "monitor/reports_json.h"
#include "monitor/watched_testing.h"

namespace vitrine::monitor {
namespace {

using testing::ElementsAre;

WindowRow Row(std::int64_t hour, const std::string& model, const FeatureHours& hours,
              bool final = true) {
  return {WindowKind::kDrift, hour, model, FeatureHoursText(hours), final};
}

FeatureHour Judged(std::string feature, std::vector<std::uint64_t> counts, double effect,
                   double p_value) {
  return {.feature = std::move(feature),
          .counts = std::move(counts),
          .judged = true,
          .against_baseline = true,
          .psi = effect + 0.01,
          .effect = effect,
          .p_value = p_value};
}

TEST(FeatureHoursTest, ADayIsTheSumOfItsHours) {
  const std::vector<WindowRow> rows = {
      Row(24, "m:1", {100, {Judged("price", {60, 40}, 0.02, 0.3), {"rare \"one\"", {1, 2}}}}),
      Row(25, "m:1", {300, {Judged("price", {100, 200}, 0.10, 0.001), {"rare \"one\"", {3, 4}}}}),
      Row(25, "m:2", {7, {{"price", {7, 0}}}}, false)};
  const auto day = FeatureHistory(rows, 24, std::nullopt);
  ASSERT_TRUE(day.ok()) << day.status().ToString();
  ASSERT_EQ(day->size(), 1U);
  EXPECT_EQ(day->front().hour, 24);
  EXPECT_FALSE(day->front().final);
  ASSERT_EQ(day->front().rows.size(), 2U);
  const FeatureRow& first = day->front().rows[0];
  EXPECT_EQ(first.requests, 400U);
  const FeaturePoint& price = first.features.at(0);
  EXPECT_DOUBLE_EQ(price.effect, (100 * 0.02 + 300 * 0.10) / 400);
  EXPECT_DOUBLE_EQ(price.psi, (100 * 0.03 + 300 * 0.11) / 400);
  EXPECT_DOUBLE_EQ(price.largest_effect, 0.10);
  EXPECT_EQ(price.largest_at, 25);
  EXPECT_DOUBLE_EQ(price.p_value, 0.001);
  EXPECT_TRUE(price.counts.empty()) << "nobody asked for one feature";
  EXPECT_EQ(first.features.at(1).feature, "rare \"one\"");
  EXPECT_FALSE(first.features.at(1).judged);

  const auto json = nlohmann::json::parse(ToJson(*day)).at("points").at(0).at("rows").at(0);
  EXPECT_EQ(json.at("features").at(0).at("largest_at"), "1970-01-02T01:00:00Z");
  EXPECT_FALSE(json.at("features").at(1).contains("effect"));
}

TEST(FeatureHoursTest, OneFeatureComesWithItsCounts) {
  const std::vector<WindowRow> rows = {
      Row(24, "m:1", {100, {Judged("price", {60, 40}, 0.02, 0.3), {"other", {9}}}}),
      Row(25, "m:1", {300, {Judged("price", {100, 200}, 0.10, 0.001)}})};
  const auto day = FeatureHistory(rows, 24, "price");
  ASSERT_TRUE(day.ok());
  ASSERT_EQ(day->front().rows.front().features.size(), 1U);
  EXPECT_THAT(day->front().rows.front().features.front().counts, ElementsAre(160, 240));
}

TEST(FeatureHoursTest, TheLastOfTwoRowsOfAnHourCounts) {
  const std::vector<WindowRow> rows = {Row(3, "m:1", {5, {}}), Row(3, "m:1", {9, {}}, false)};
  const auto hour = FeatureHistory(rows, 1, std::nullopt);
  ASSERT_TRUE(hour.ok());
  EXPECT_EQ(hour->front().rows.front().requests, 9U);
  EXPECT_FALSE(hour->front().final);
}

TEST(FeatureHoursTest, ABrokenRowIsNamed) {
  const std::vector<WindowRow> rows = {{WindowKind::kDrift, 3, "m:1", "{}", true}};
  const auto read = FeatureHistory(rows, 1, std::nullopt);
  EXPECT_EQ(read.status().code(), Code::kDataLoss);
  EXPECT_THAT(std::string(read.status().message()), testing::HasSubstr("hour 3 of 'm:1'"));
}

/// Serves `requests` around a taste, the last moments of an hour that begins at `hour`.
void Serve(OnlineMonitor& monitor, std::mt19937& random, double taste, std::int64_t hour,
           int requests) {
  for (int i = 0; i < requests; ++i) {
    monitor.OnServed("m:1", "r", DrawHistory(random, taste), {}, {hour * kMicrosPerHour + i});
  }
}

std::vector<WindowRow> DriftRows(const OnlineMonitor& monitor) {
  std::vector<WindowRow> rows = monitor.Hours();
  std::erase_if(rows, [](const WindowRow& row) { return row.kind != WindowKind::kDrift; });
  return rows;
}

TEST(FeatureHoursTest, HoursOfServingSayWhenItMoved) {
  OnlineMonitor monitor(Small());
  monitor.Watch(WatchedHistory("m:1"));
  std::mt19937 random(3);
  Serve(monitor, random, 15, 100, 500);  // of which 400 are the baseline
  Serve(monitor, random, 15, 101, 500);
  Serve(monitor, random, 25, 102, 500);
  const auto hours = FeatureHistory(DriftRows(monitor), 1, std::nullopt);
  ASSERT_TRUE(hours.ok());
  ASSERT_EQ(hours->size(), 3U);
  const auto places = [&](std::size_t hour) {
    return hours->at(hour).rows.front().features.front();
  };
  EXPECT_FALSE(places(0).against_baseline);
  EXPECT_TRUE(places(1).against_baseline);
  EXPECT_LT(places(1).effect, 0.02);
  EXPECT_GT(places(2).effect, 0.2);
  EXPECT_LT(places(2).p_value, 1e-6);
  EXPECT_EQ(hours->at(1).rows.front().requests, 500U);
}

TEST(FeatureHoursTest, HoursSurviveARestartAndLeaveOnceKept) {
  OnlineMonitor monitor(Small());
  monitor.Watch(WatchedHistory("m:1"));
  std::mt19937 random(3);
  Serve(monitor, random, 15, 100, 300);
  Serve(monitor, random, 15, 101, 40);
  const std::vector<WindowRow> before = DriftRows(monitor);
  ASSERT_EQ(before.size(), 2U);

  OnlineMonitor after(Small());
  ASSERT_TRUE(after.Load(monitor.Save()).ok());
  after.Watch(WatchedHistory("m:1"));
  EXPECT_EQ(DriftRows(after), before);
  Serve(after, random, 15, 101, 10);
  EXPECT_NE(DriftRows(after).back(), before.back()) << "its last hour goes on";

  after.DropHours(DriftRows(after));  // both are long over
  EXPECT_TRUE(DriftRows(after).empty());
  Serve(after, random, 15, 101, 5);  // who comes too late for a kept hour does not replace it
  ASSERT_EQ(DriftRows(after).size(), 1U);
  EXPECT_EQ(DriftRows(after).front().hour, 102);
}

TEST(FeatureHoursTest, AnHourThatIsNotOverIsNotFinal) {
  OnlineMonitor monitor(Small());
  monitor.Watch(WatchedHistory("m:1"));
  std::mt19937 random(3);
  monitor.OnServed("m:1", "r", DrawHistory(random, 15), {}, Now());
  const std::vector<WindowRow> rows = DriftRows(monitor);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_FALSE(rows.front().final);
  monitor.DropHours(rows);
  EXPECT_EQ(DriftRows(monitor).size(), 1U) << "only final ones leave";
}

}  // namespace
}  // namespace vitrine::monitor
