#include "monitor/online_monitor.h"

#include <cmath>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/feature_spec.h"
#include "monitor/distinct_items.h"
#include "monitor/reports_json.h"
#include "monitor/stable_hash.h"
#include "monitor/watched_testing.h"

namespace vitrine::monitor {
namespace {

WatchedVersion Version(const std::string& model) { return WatchedHistory(model); }

void Serve(OnlineMonitor& monitor, const std::string& model, int requests, double taste,
           unsigned seed) {
  std::mt19937 random(seed);
  for (int i = 0; i < requests; ++i) {
    const auto features = DrawHistory(random, taste);
    const std::vector<double> scores = {3, 2, 1};
    monitor.OnServed(model, "r" + std::to_string(seed) + "_" + std::to_string(i), features, scores,
                     Micros{i});
  }
}

TEST(OnlineMonitorTest, CountsServiceQualityAndData) {
  OnlineMonitor monitor(Small());
  Give(monitor, Answer("r1", "m:1"));
  Impression fallback = Answer("r2", "");
  fallback.fallback = "unknown_user";
  Give(monitor, fallback);
  monitor.OnModelFailure("m:1");
  Take(monitor, Click("r1", "b"));
  Take(monitor, Click("nobody", "b"));
  monitor.OnDuplicates(2);
  monitor.OnRejected("missing_item");
  monitor.OnRejected("something made up", 3);

  const ServiceReport service = monitor.Service();
  EXPECT_EQ(service.answers, 2U);
  EXPECT_EQ(service.fallback_share, 0.5);
  EXPECT_EQ(service.fallbacks.at("unknown_user"), 1U);
  EXPECT_EQ(service.failures.at("m:1"), 1U);
  ASSERT_EQ(service.rows.size(), 2U);
  EXPECT_EQ(service.rows[1].model, "m:1");
  EXPECT_NEAR(service.rows[1].mean_seconds, 0.002, 1e-9);
  EXPECT_NEAR(service.rows[1].p99_seconds, 0.002, 0.001);

  const QualityReport quality = monitor.Quality();
  ASSERT_EQ(quality.rows.size(), 2U);
  EXPECT_EQ(quality.rows[1].ctr, 0.5);
  EXPECT_EQ(quality.rows[1].click_rate.mean, 1);
  EXPECT_NEAR(quality.rows[1].click_rate.low, 1 / (1 + 1.959964 * 1.959964), 1e-5);
  ASSERT_EQ(quality.joins.size(), 1U);
  EXPECT_EQ(quality.joins[0].unjoined_share, 0.5);

  const DataReport data = monitor.Data();
  EXPECT_EQ(data.accepted, 2U);
  EXPECT_EQ(data.duplicates, 2U);
  EXPECT_EQ(data.rejected.at("missing_item"), 1U);
  EXPECT_EQ(data.rejected.at("other"), 3U);
  EXPECT_EQ(data.rejected_share, 0.5);
}

TEST(OnlineMonitorTest, MoreClicksThanShownIsFlagged) {
  OnlineMonitor monitor(Small());
  Give(monitor, Answer("r1", "m:1"));
  for (int i = 0; i < 3; ++i) Take(monitor, Click("r1", "a"));
  EXPECT_TRUE(monitor.Quality().rows.at(0).more_clicks_than_shown);
}

TEST(OnlineMonitorTest, SteadyTrafficIsNoDriftAndAShiftIs) {
  OnlineMonitor monitor(Small());
  monitor.Watch(Version("m:1"));
  Serve(monitor, "m:1", 1000, 15, 7);
  DriftModel model = monitor.Drift().models.at(0);
  EXPECT_EQ(model.requests, 1000U);
  EXPECT_EQ(model.window_requests, 400U);
  EXPECT_TRUE(model.baseline_ready);
  EXPECT_EQ(model.drifted, 0U);
  ASSERT_EQ(model.series.size(), 2U);
  EXPECT_FALSE(model.series[0].training.drifted);
  EXPECT_TRUE(model.series[0].training.judged);

  Serve(monitor, "m:1", 400, 25, 8);
  model = monitor.Drift().models.at(0);
  EXPECT_EQ(model.drifted, 1U);
  EXPECT_EQ(model.series[0].training.feature, "history");
  EXPECT_TRUE(model.series[0].drifted);
  EXPECT_TRUE(model.series[0].training.strong);
  EXPECT_FALSE(model.series[1].drifted) << "lengths stayed";

  Serve(monitor, "m:1", 400, 15, 9);
  EXPECT_EQ(monitor.Drift().models.at(0).drifted, 0U) << "the window forgets";
}

TEST(OnlineMonitorTest, ShoppersOtherThanInTrainingAreNoDriftOnceTheBaselineIsKnown) {
  OnlineMonitor monitor(Small());
  monitor.Watch(Version("m:1"));
  Serve(monitor, "m:1", 300, 22, 7);
  EXPECT_EQ(monitor.Drift().models.at(0).drifted, 1U);
  Serve(monitor, "m:1", 700, 22, 8);
  const DriftModel model = monitor.Drift().models.at(0);
  EXPECT_TRUE(model.series[0].training.drifted);
  EXPECT_FALSE(model.series[0].drifted);
}

TEST(OnlineMonitorTest, UnwatchedVersionsAreIgnoredAndTheirNumberIsBounded) {
  MonitorOptions options = Small();
  options.most_models = 2;
  OnlineMonitor monitor(options);
  Serve(monitor, "nobody:1", 3, 15, 1);
  EXPECT_TRUE(monitor.Drift().models.empty());
  for (const char* name : {"m:1", "m:2", "m:3"}) monitor.Watch(Version(name));
  EXPECT_EQ(monitor.Drift().models.size(), 2U);
}

TEST(OnlineMonitorTest, SkewComparesValueByValue) {
  OnlineMonitor monitor(Small());
  monitor.Watch(Version("m:1"));
  std::mt19937 random(3);
  const auto features = DrawHistory(random, 15);
  for (const char* request : {"r1", "r2", "r3"}) {
    monitor.OnServed("m:1", request, features, {}, Micros{1});
    Give(monitor, Answer(request, "m:1"));
  }
  const auto recompute = [&](const Impression& impression) -> Result<std::vector<Tensor>> {
    auto again = features;
    if (impression.request_id == "r2") again[0].values<std::int64_t>()[3] += 1;
    if (impression.request_id == "r3") return NotFound("gone");
    return again;
  };
  EXPECT_EQ(monitor.RunSkewChecks(recompute), 3U);
  EXPECT_EQ(monitor.RunSkewChecks(recompute), 0U);
  const SkewModel model = monitor.Skew().models.at(0);
  EXPECT_EQ(model.checks, 3U);
  EXPECT_EQ(model.failures, 1U);
  ASSERT_EQ(model.features.size(), 1U);
  EXPECT_EQ(model.features[0].values, 10U);
  EXPECT_EQ(model.features[0].mismatches, 1U);
  EXPECT_NEAR(model.mismatch_share, 0.1, 1e-12);
  EXPECT_NE(model.features[0].example.find("request r2, value 3"), std::string::npos);
}

TEST(SkewChecksTest, ToleranceIsForFloatingValuesAndShapesMustAgree) {
  const std::vector<float> served = {1.0F, 1e6F, std::nanf("")};
  const std::vector<float> close = {1.0F + 1e-7F, 1e6F + 0.5F, std::nanf("")};
  SkewFeature tally;
  CompareTensors(Tensor::Of<float>("x", {3}, served), Tensor::Of<float>("x", {3}, close), 1e-6, "r",
                 tally);
  EXPECT_EQ(tally.mismatches, 0U);
  CompareTensors(Tensor::Of<float>("x", {3}, served), Tensor::Of<float>("x", {1, 3}, close), 1e-6,
                 "r", tally);
  EXPECT_EQ(tally.mismatches, 3U);
  EXPECT_EQ(tally.values, 6U);
}

TEST(SkewChecksTest, SamplesAreBounded) {
  SkewChecks checks({.every = 1, .most_waiting = 10});
  for (int i = 0; i < 100; ++i) checks.OnServed("m:1", "r" + std::to_string(i), {});
  for (int i = 0; i < 100; ++i) checks.OnImpression(Answer("r" + std::to_string(i), "m:1"));
  int asked = 0;
  const auto count = [&](const Impression&) -> Result<std::vector<Tensor>> {
    ++asked;
    return std::vector<Tensor>{};
  };
  EXPECT_EQ(checks.Run(count, 1000), 10U);
  EXPECT_EQ(asked, 10);
}

TEST(OnlineMonitorTest, EverythingSurvivesARestart) {
  OnlineMonitor before(Small());
  before.Watch(Version("m:1"));
  Serve(before, "m:1", 1000, 15, 7);
  Give(before, Answer("r1", "m:1"));
  Take(before, Click("r1", "b"));
  before.OnRejected("missing_item");
  before.OnModelFailure("m:1");

  OnlineMonitor after(Small());
  ASSERT_TRUE(after.Load(before.Save()).ok());
  EXPECT_EQ(nlohmann::json::parse(after.Save()), nlohmann::json::parse(before.Save()))
      << "even before the version is watched";
  after.Watch(Version("m:1"));
  EXPECT_EQ(ToJson(after.Service()), ToJson(before.Service()));
  EXPECT_EQ(ToJson(after.Quality()), ToJson(before.Quality()));
  EXPECT_EQ(ToJson(after.Data()), ToJson(before.Data()));
  EXPECT_EQ(ToJson(after.Drift()), ToJson(before.Drift()));
  Take(after, Click("r1", "a"));
  EXPECT_EQ(after.Quality().rows.at(0).ctr, 1) << "the answer still waits for its labels";
}

TEST(OnlineMonitorTest, CountersOfOtherReferencesAreLeftBehind) {
  OnlineMonitor before(Small());
  before.Watch(Version("m:1"));
  Serve(before, "m:1", 100, 15, 7);
  OnlineMonitor after(Small());
  ASSERT_TRUE(after.Load(before.Save()).ok());
  WatchedVersion other = Version("m:1");
  other.references[0] = data::FreezeHistogram("history", {1, 2, 3});
  after.Watch(std::move(other));
  EXPECT_EQ(after.Drift().models.at(0).requests, 0U);
}

TEST(OnlineMonitorTest, BrokenOrNewerStateIsRefused) {
  OnlineMonitor monitor(Small());
  Give(monitor, Answer("r1", "m:1"));
  EXPECT_EQ(monitor.Load("{").code(), Code::kInvalidArgument);
  EXPECT_EQ(monitor.Load("{\"format\":1}").code(), Code::kInvalidArgument);
  EXPECT_EQ(monitor.Load("{\"format\":99}").code(), Code::kFailedPrecondition);
  EXPECT_EQ(monitor.Service().answers, 1U);
}

TEST(OnlineMonitorTest, ThreadsDoNotLoseCounts) {
  MetricRegistry metrics;
  OnlineMonitor monitor(Small(), &metrics);
  monitor.Watch(Version("m:1"));
  std::mutex log;  // its records come one after another
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&monitor, &log, t] {
      Serve(monitor, "m:1", 200, 15, t);
      for (int i = 0; i < 200; ++i) {
        const std::string request = "t" + std::to_string(t) + "_" + std::to_string(i);
        const Impression answer = Answer(request, "m:1", "u" + std::to_string(t));
        monitor.OnImpression(answer);
        {
          const std::scoped_lock lock(log);
          Take(monitor, answer);
          Take(monitor, Click(request, "a"));
        }
        if (i % 50 == 0) {
          static_cast<void>(monitor.Drift());
          static_cast<void>(monitor.Save());
          monitor.Publish();
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(monitor.Service().answers, 800U);
  EXPECT_EQ(monitor.Drift().models.at(0).requests, 800U);
  EXPECT_EQ(monitor.Quality().joins.at(0).by_request, 800U);
  EXPECT_EQ(metrics.Samples().at("vitrine_answers_total{model=\"m:1\",scene=\"home\"}"), 800);
}

TEST(OnlineMonitorTest, MetricNamesAreThoseOfTheContract) {
  MetricRegistry metrics;
  OnlineMonitor monitor(Small(), &metrics);
  monitor.Watch(Version("m:1"));
  Serve(monitor, "m:1", 500, 15, 1);
  monitor.OnServed("m:1", "r1",
                   std::vector<Tensor>{
                       Tensor::Of<std::int64_t>("history", {1, 1}, std::vector<std::int64_t>{4})},
                   {}, Micros{1});
  Impression fallback = Answer("r1", "m:1");
  fallback.fallback = "no_model";
  Give(monitor, fallback);
  Take(monitor, Click("r1", "a"));
  monitor.OnDuplicates(1);
  monitor.OnRejected("missing_item");
  monitor.OnModelFailure("m:1");
  monitor.RunSkewChecks(
      [](const Impression&) -> Result<std::vector<Tensor>> { return std::vector<Tensor>{}; });
  monitor.Publish();
  std::set<std::string> names;
  for (const auto& [sample, value] : metrics.Samples()) {
    std::string name = sample.substr(0, sample.find('{'));
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix)) name.resize(name.size() - std::string_view(suffix).size());
    }
    names.insert(name);
  }
  std::ifstream file("src/monitor/metric_names.txt");
  std::set<std::string> expected;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') expected.insert(line);
  }
  EXPECT_EQ(names, expected);
}

TEST(DistinctItemsTest, EstimatesWithinOnePercent) {
  DistinctItems items;
  for (int i = 0; i < 50'000; ++i) {
    items.Add(StableHash("item" + std::to_string(i)));
    items.Add(StableHash("item" + std::to_string(i / 2)));
  }
  EXPECT_NEAR(items.Estimate(), 50'000, 500);
}

TEST(ReportsJsonTest, HasTheFieldsThatClientsRead) {
  OnlineMonitor monitor(Small());
  monitor.Watch(Version("m:1"));
  Serve(monitor, "m:1", 500, 15, 1);
  const auto drift = nlohmann::json::parse(ToJson(monitor.Drift()));
  const auto& series = drift.at("models").at(0).at("series").at(0);
  EXPECT_EQ(series.at("feature"), "history");
  EXPECT_TRUE(series.at("training").at("psi").is_number());
  EXPECT_TRUE(series.at("baseline").at("p_value").is_number());
  Give(monitor, Answer("r1", "m:1"));
  Take(monitor, Click("r1", "a"));
  const auto quality = nlohmann::json::parse(ToJson(monitor.Quality()));
  EXPECT_EQ(quality.at("rows").at(0).at("labels").at(0).at("ndcg").at("10"), 1.0);
  const auto& estimate = quality.at("estimates").at(0);
  EXPECT_EQ(estimate.at("calibration"), "none");  // one answer teaches nothing
  EXPECT_TRUE(estimate.at("ctr").is_null());
  EXPECT_EQ(estimate.at("past").at("ctr").at("hours"), 0);
  EXPECT_EQ(quality.at("business").at(0).at("visitors"), 1);
  EXPECT_TRUE(quality.at("behaviour").is_array());
}

}  // namespace
}  // namespace vitrine::monitor
