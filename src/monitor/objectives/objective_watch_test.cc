#include "monitor/objectives/objective_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>

#include "monitor/alerts/alert_rule.h"
#include "monitor/latency_counts.h"

namespace vitrine::monitor {
namespace {

constexpr std::int64_t kLook = 15 * kMicrosPerSecond;
constexpr std::int64_t kHour = 3600 * kMicrosPerSecond;

/// A service that is looked at every 15 s; what it says is held against the rules that a server begins with.
class Service {
 public:
  explicit Service(unsigned seed)
      : random_(seed),
        watch_({{.name = "served", .target = 0.999, .seconds = std::nullopt, .scene = ""}}) {}

  /// `rate` requests a look, so large a share of them bad; which default rules fired meanwhile.
  std::map<std::string, std::int64_t> Run(std::int64_t time, int rate, double bad) {
    std::map<std::string, std::int64_t> fired;  // and when
    const auto rules = DefaultAlertRules();
    std::poisson_distribution<int> requests(std::max(1e-9, static_cast<double>(rate)));
    for (const std::int64_t until = now_ + time; now_ < until; now_ += kLook) {
      const auto all = static_cast<std::uint64_t>(requests(random_));
      std::binomial_distribution<std::uint64_t> failures(all, bad);
      total_.all += all;
      total_.good += all - failures(random_);
      for (const Signal& signal : watch_.Look({now_}, {}, total_)) {
        for (const AlertRule& rule : rules) {
          if (rule.signal == signal.name && signal.rows >= rule.least_rows &&
              Judge(rule, signal.value)) {
            fired.emplace(rule.name, now_);
          }
        }
      }
    }
    return fired;
  }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::vector<ObjectiveReport> Report() const { return watch_.Report({now_}); }

 private:
  std::mt19937 random_;
  ObjectiveWatch watch_;
  GoodOfAll total_;
  std::int64_t now_ = 1'700'000'000 * kMicrosPerSecond;
};

TEST(ObjectiveWatchTest, AServiceThatKeepsItsPromiseCallsNobody) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    Service service(seed);
    EXPECT_TRUE(service.Run(24 * kHour, 75, 0.0005).empty()) << seed;
  }
}

TEST(ObjectiveWatchTest, AnOutageCallsWithinMinutesAndEndsSoonAfterIt) {
  Service service(1);
  EXPECT_TRUE(service.Run(6 * kHour, 75, 0.0002).empty());
  const std::int64_t began = service.now();
  const auto fired = service.Run(kHour / 6, 75, 0.5);
  ASSERT_TRUE(fired.contains("budget-burns-fast"));
  EXPECT_LE(fired.at("budget-burns-fast") - began, 5 * 60 * kMicrosPerSecond);
  EXPECT_TRUE(service.Run(6 * 60 * kMicrosPerSecond, 75, 0).contains("budget-burns-fast"));
  EXPECT_FALSE(service.Run(kHour, 75, 0.0002).contains("budget-burns-fast"))
      << "the short window knows that it is over";
}

TEST(ObjectiveWatchTest, ASlowBurnWarnsAndDoesNotCall) {
  Service service(2);
  EXPECT_TRUE(service.Run(6 * kHour, 75, 0.0002).empty());
  const auto fired = service.Run(6 * kHour, 75, 0.008);
  EXPECT_TRUE(fired.contains("budget-burns"));
  EXPECT_FALSE(fired.contains("budget-burns-fast"));
}

TEST(ObjectiveWatchTest, ALittleTooMuchForThreeDaysSpendsTheBudget) {
  Service service(3);
  const auto fired = service.Run(72 * kHour, 20, 0.0015);
  EXPECT_TRUE(fired.contains("budget-spent"));
  EXPECT_FALSE(fired.contains("budget-burns"));
  EXPECT_NEAR(service.Report().front().spent, 1.5, 0.2);
}

TEST(ObjectiveWatchTest, OneFailureOfAFewRequestsCallsNobody) {
  Service service(4);
  EXPECT_FALSE(service.Run(kHour, 0, 0).contains("budget-burns-fast"));
  Service small(5);
  EXPECT_TRUE(small.Run(60 * kMicrosPerSecond, 1, 1).empty()) << "four requests, all of them bad";
}

ServiceReport Latencies(const std::map<std::string, std::vector<double>>& scenes) {
  ServiceReport report;
  for (const auto& [scene, seconds] : scenes) {
    LatencyCounts counts;
    for (const double one : seconds) {
      counts.Add(one);
    }
    ServiceRow& row = report.rows.emplace_back();
    row.scene = scene;
    row.latencies = counts.view();
  }
  return report;
}

TEST(ServiceObjectiveTest, AnswersInTimeAreThoseOfTheBins) {
  std::mt19937 random(7);
  std::lognormal_distribution<double> draw(-4, 1);
  std::vector<double> home(5000);
  std::generate(home.begin(), home.end(), [&] { return draw(random); });
  const ServiceReport report = Latencies({{"home", home}, {"cart", {0.001, 9, 99}}});
  for (const double seconds : {0.0004, 0.01, 0.05, 0.1, 0.7, 10.0}) {
    const ServiceObjective of_home = {.name = "x", .seconds = seconds, .scene = "home"};
    const GoodOfAll counts = AnswersInTime(report, of_home);
    const auto exact = static_cast<double>(
        std::count_if(home.begin(), home.end(), [&](double one) { return one <= seconds; }));
    EXPECT_EQ(counts.all, 5000U);
    EXPECT_NEAR(static_cast<double>(counts.good), exact, 150) << seconds;
  }
  const GoodOfAll all = AnswersInTime(report, {.name = "x", .seconds = 10.0});
  EXPECT_EQ(all.all, 5003U);
  EXPECT_EQ(all.good, 5002U) << "what is beyond the last bound is slow";
}

TEST(ServiceObjectiveTest, WhatCannotBePromisedIsRefused) {
  EXPECT_TRUE(Validate({.name = "x", .target = 0.99, .seconds = 0.1}).ok());
  EXPECT_FALSE(Validate({.name = "x", .target = 1}).ok());
  EXPECT_FALSE(Validate({.name = "x", .target = 0.2}).ok());
  EXPECT_FALSE(Validate({.name = "x", .target = 0.99, .seconds = 0}).ok());
  EXPECT_FALSE(Validate({.name = "x", .target = 0.99, .seconds = 60}).ok());
  const Status scene = Validate({.name = "x", .target = 0.99, .scene = "home"});
  EXPECT_THAT(std::string(scene.message()), testing::HasSubstr("give a time"));
}

TEST(ObjectiveWatchTest, BudgetsAreKeptUnlessThePromiseChanges) {
  const ServiceObjective fast = {.name = "fast", .target = 0.99, .seconds = 0.1, .scene = ""};
  const ServiceReport slow = Latencies({{"home", {0.5, 0.01}}});
  ObjectiveWatch watch({fast});
  static_cast<void>(watch.Look({kLook}, {}, {}));
  const auto signals = watch.Look({2 * kLook}, slow, {});
  ASSERT_EQ(signals.size(), 3U);
  EXPECT_NEAR(signals[0].value, 50, 1e-6);

  ObjectiveWatch same({fast});
  ASSERT_TRUE(same.Load(watch.Save()).ok());
  EXPECT_EQ(ToJson(same.Report({2 * kLook})), ToJson(watch.Report({2 * kLook})));
  const auto json = nlohmann::json::parse(ToJson(same.Report({2 * kLook})));
  EXPECT_EQ(json.at("objectives").at(0).at("windows").at(0).at("window"), "5m");
  EXPECT_EQ(json.at("objectives").at(0).at("windows").at(4).at("all"), 2);

  ObjectiveWatch stricter({{.name = "fast", .target = 0.999, .seconds = 0.1, .scene = ""}});
  ASSERT_TRUE(stricter.Load(watch.Save()).ok());
  EXPECT_EQ(stricter.Report({2 * kLook}).front().spent, 0);
  EXPECT_EQ(stricter.Load("{}").code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::monitor
