// The run on a target with a clock of its own: what is counted, from when, and what spoils it.
#include "simulate/load/load_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "simulate/load/capacity_run.h"
#include "simulate/load/load_report.h"
#include "simulate/load/load_testing.h"
#include "simulate/load/time_text.h"

namespace vitrine::simulate {
namespace {

constexpr Nanos kMilli = 1'000'000;

LoadOptions Open(double rate, Spacing spacing = Spacing::kPoisson) {
  LoadOptions options;
  options.rate = rate;
  options.spacing = spacing;
  return options;
}

LoadResult RunOn(LoadTarget& target, const LoadOptions& options) {
  auto result = RunLoad(target, options);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? *std::move(result) : LoadResult{};
}

TEST(LoadRun, EveryRequestThatWasDueIsCountedOnceFromItsMoment) {
  FakeTarget target(16, FakeTarget::Good(kMilli));
  LoadOptions options = Open(1000);
  options.until_stable = false;
  options.windows = 3;
  const LoadResult result = RunOn(target, options);
  const auto schedule = DrawArrivals(1000, options.warmup + 3 * options.window, options.spacing, 1);
  ASSERT_EQ(target.dues().size(), schedule.size());
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    EXPECT_EQ(target.dues()[i] - target.dues()[0], schedule[i] - schedule[0]);
  }
  const auto measured =
      std::ranges::count_if(schedule, [&](Nanos at) { return at >= options.warmup; });
  EXPECT_EQ(result.total.due, static_cast<std::uint64_t>(measured));
  EXPECT_EQ(result.total.counts.good, result.total.due);
  EXPECT_EQ(result.total.counts.by_status[200], result.total.due);
  EXPECT_EQ(result.seconds, 6);
  EXPECT_EQ(result.total.latency.min(), kMilli);
  EXPECT_EQ(result.total.latency.max(), kMilli);
  EXPECT_EQ(result.total.lag.max(), 0);
  EXPECT_TRUE(result.spoiled.empty());
}

// A stall of S at rate r: r * S requests are due in it, each must wait for its end. A client that
// waits for answers before it asks again would show one slow request a connection.
TEST(LoadRun, AStallIsSeenByEveryRequestThatWasDueInIt) {
  constexpr Nanos kStart = 2000 * kMilli;
  constexpr Nanos kEnd = 2500 * kMilli;
  FakeTarget target(4, [](Nanos sent) {
    const Nanos at = sent >= kStart && sent < kEnd ? kEnd : sent + kMilli / 10;
    return LoadAnswer{.at = at, .good = true, .status = 200};
  });
  LoadOptions options = Open(1000, Spacing::kConstant);
  options.until_stable = false;
  options.windows = 2;
  const LoadResult result = RunOn(target, options);
  EXPECT_EQ(result.total.counts.good, 4000U);
  // All but the four that were sent, and those that were due while the rest were worked off.
  EXPECT_EQ(result.total.waited, 496U + 13U);
  std::uint64_t above = 0;
  result.total.latency.ForEach(
      [&](Nanos begin, Nanos, std::uint64_t count) { above += begin > 100 * kMilli ? count : 0; });
  EXPECT_GE(above, 400U);  // due in the first 400 ms of the stall
  EXPECT_LE(above, 400U + 13U);
  EXPECT_GE(result.total.Latency(0.9), 100 * kMilli);
  EXPECT_EQ(result.total.lag.max(), 0);  // none of it is the generator's fault
}

TEST(LoadRun, EndsWithTheFirstWindowsThatAgree) {
  // Slower and slower until 5 s, then steady.
  FakeTarget target(16, [](Nanos sent) {
    return LoadAnswer{
        .at = sent + std::max(kMilli, 6 * kMilli - sent / 1000), .good = true, .status = 200};
  });
  const LoadResult result = RunOn(target, Open(2000, Spacing::kConstant));
  EXPECT_TRUE(result.stable);
  EXPECT_EQ(result.windows.size(), 5U);  // two before 5 s, three after
  EXPECT_EQ(result.seconds, 6);
  EXPECT_EQ(result.total.latency.max(), kMilli);
}

TEST(LoadRun, SaysWhereItNeverSettles) {
  FakeTarget target(16, [](Nanos sent) {
    return LoadAnswer{.at = sent + kMilli / 10 + sent / 10'000, .good = true, .status = 200};
  });
  LoadOptions options = Open(500, Spacing::kConstant);
  options.windows = 4;
  const LoadResult result = RunOn(target, options);
  EXPECT_FALSE(result.stable);
  EXPECT_EQ(result.windows.size(), 4U);
  EXPECT_EQ(result.seconds, 8);
  EXPECT_NE(ReportText(result, options).find("do NOT agree"), std::string::npos);
}

TEST(LoadRun, FailuresAreCountedByWhatTheyWereAndNeverCome) {
  int number = 0;
  FakeTarget target(64, [&number](Nanos sent) {
    LoadAnswer answer{.at = sent + kMilli};
    switch (number++ % 10) {
      case 0:
        answer.status = 503;
        break;
      case 1:
        answer.outcome = LoadOutcome::kBroken;
        break;
      case 2:
        answer.outcome = LoadOutcome::kGarbled;
        break;
      case 3:
        answer.at = sent + 1000 * kNanosPerSecond;  // never in time
        break;
      default:
        answer.status = 200;
        answer.good = true;
    }
    return answer;
  });
  LoadOptions options = Open(100, Spacing::kConstant);
  options.timeout = 100 * kMilli;
  options.windows = 2;
  options.until_stable = false;
  const LoadResult result = RunOn(target, options);
  const OutcomeCounts& counts = result.total.counts;
  EXPECT_EQ(counts.good, 240U);
  EXPECT_EQ(counts.by_status[503], 40U);
  EXPECT_EQ(counts.refused, 40U);
  EXPECT_EQ(result.total.refusal.count(), 40U);
  EXPECT_NEAR(static_cast<double>(result.total.refusal.Quantile(0.99)), kMilli, 1000);
  EXPECT_EQ(counts.broken, 40U);
  EXPECT_EQ(counts.garbled, 40U);
  EXPECT_EQ(counts.timed_out, 40U);
  EXPECT_EQ(result.warmup_failed, 40U);
  EXPECT_NEAR(static_cast<double>(result.total.Latency(0.6)), kMilli, 1000);
  EXPECT_EQ(result.total.Latency(0.61), LatencyHistogram::kNever);
  const std::string text = ReportText(result, options);
  EXPECT_NE(text.find("40 answered 503"), std::string::npos) << text;
  EXPECT_NE(text.find("p99 never"), std::string::npos) << text;
  EXPECT_NE(text.find("refused in"), std::string::npos) << text;
}

TEST(LoadRun, WhatWaitsForAConnectionTimesOutToo) {
  FakeTarget target(2, FakeTarget::Good(1000 * kNanosPerSecond));
  target.set_oversleep(25 * kMilli);  // two or three expire at a time, and two can be sent
  LoadOptions options = Open(100, Spacing::kConstant);
  options.timeout = 300 * kMilli;
  options.windows = 1;
  const LoadResult result = RunOn(target, options);
  EXPECT_EQ(result.total.due, 200U);
  EXPECT_EQ(result.total.counts.timed_out, 200U);
  EXPECT_GT(result.total.counts.unsent, 0U);
  EXPECT_EQ(result.spoiled, "there was no good answer");
}

TEST(LoadRun, AGeneratorThatCameLateIsNotBelieved) {
  FakeTarget target(16, FakeTarget::Good(kMilli));
  target.set_oversleep(2 * kMilli);
  const LoadOptions options = Open(100, Spacing::kConstant);
  const LoadResult result = RunOn(target, options);
  EXPECT_NE(result.spoiled.find("generator itself was late"), std::string::npos);
  const std::string text = ReportText(result, options);
  EXPECT_NE(text.find("NOT VALID"), std::string::npos);
  EXPECT_EQ(text.find("latency     p50"), std::string::npos) << text;
}

TEST(LoadRun, ALagIsHarmlessWhereItIsASmallPartOfTheLatency) {
  LoadWindow window;
  window.latency.Record(100 * kMilli);
  window.lag.Record(5 * kMilli);
  EXPECT_EQ(SpoiledByLag(window, {}), "");
  EXPECT_NE(SpoiledByLag(window, {.share = 0.01}), "");
  EXPECT_NE(SpoiledByLag(window, {.always = 4 * kMilli}), "");
  EXPECT_EQ(SpoiledByLag(window, {.harmless = 6 * kMilli, .share = 0.01}), "");
}

TEST(LoadRun, AClosedLoopKeepsItsNumberOutstanding) {
  FakeTarget target(32, FakeTarget::Good(4 * kMilli));
  LoadOptions options;
  options.concurrency = 8;
  const LoadResult result = RunOn(target, options);
  EXPECT_TRUE(result.stable);
  EXPECT_EQ(result.windows.size(), 3U);
  EXPECT_NEAR(result.throughput(), 8 / 0.004, 2);
  EXPECT_EQ(result.total.latency.max(), 4 * kMilli);
  EXPECT_EQ(result.total.lag.count(), 0U);
}

TEST(LoadRun, GivesUpWhereTheServerIsGone) {
  FakeTarget target(
      8, [](Nanos sent) { return LoadAnswer{.at = sent + 1000, .outcome = LoadOutcome::kBroken}; });
  EXPECT_EQ(RunLoad(target, {}).status().code(), Code::kUnavailable);
  FakeTarget other(8, FakeTarget::Good(kMilli));
  EXPECT_EQ(RunLoad(other, {.windows = 0}).status().code(), Code::kInvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(RunLoad(other, {}, stop.get_token()).status().code(), Code::kCancelled);
}

// One connection that takes 1 ms a request, evenly spaced: it keeps up with 1,000 a second.
TEST(Capacity, IsFoundAndTheBoundIsKept) {
  FakeTarget target(1, FakeTarget::Good(kMilli));
  const LatencyBound bound{.percentile = 0.99, .limit = 5 * kMilli};
  LoadOptions options;
  options.spacing = Spacing::kConstant;
  options.windows = 3;
  std::size_t told = 0;
  const auto found = FindCapacity(target, options, bound, {.resolution = 0.02}, {},
                                  [&told](const CapacityLevel&) { ++told; });
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_GE(found->rate, 1000 / 1.02);
  EXPECT_LE(found->rate, 1001);
  EXPECT_LE(found->fails, found->rate * 1.02);
  EXPECT_EQ(found->levels.size(), told);
  EXPECT_EQ(found->levels.front().rate, 500);  // half of the closed loop's
  EXPECT_TRUE(found->spoiled.empty());
  for (const CapacityLevel& level : found->levels) {
    EXPECT_EQ(level.holds, level.latency <= bound.limit) << level.rate;
  }
}

TEST(Capacity, SaysWhereTheGeneratorIsTheLimit) {
  FakeTarget target(64, FakeTarget::Good(kMilli));
  target.set_oversleep(kMilli);
  const auto found =
      FindCapacity(target, Open(1000), {.limit = 10 * kMilli}, {}, {}, [](const CapacityLevel&) {});
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found->rate, 0);
  EXPECT_NE(found->spoiled.find("generator"), std::string::npos);
}

TEST(Capacity, BoundsAndTimesAreReadAsTheyAreWritten) {
  const auto bound = ParseLatencyBound("p99.9 <= 1.5ms");
  ASSERT_TRUE(bound.ok());
  EXPECT_DOUBLE_EQ(bound->percentile, 0.999);
  EXPECT_EQ(bound->limit, 1'500'000);
  EXPECT_EQ(BoundText(*bound), "p99.9 <= 1.5 ms");
  for (const char* wrong :
       {"", "p99", "99<=7ms", "p<=7ms", "p0<=7ms", "p101<=7ms", "p99<=7 parsecs", "p99<=0ms"}) {
    EXPECT_FALSE(ParseLatencyBound(wrong).ok()) << wrong;
  }
  EXPECT_EQ(*ParseTime("2m"), 120 * kNanosPerSecond);
  EXPECT_EQ(*ParseTime("0.5"), kNanosPerSecond / 2);
  EXPECT_FALSE(ParseTime("-1s").ok());
  EXPECT_FALSE(ParseTime("nan").ok());
  EXPECT_EQ(TimeText(1'500), "2 us");
  EXPECT_EQ(TimeText(12'345'678), "12.3 ms");
  EXPECT_EQ(TimeText(2 * kNanosPerSecond), "2 s");
}

TEST(LoadReport, ThePlotHoldsEveryRequest) {
  LatencyHistogram latency;
  EXPECT_EQ(PlotText(latency), "");
  for (Nanos i = 1; i <= 1000; ++i) {
    latency.Record(i * 1000);
  }
  const std::string text = PlotText(latency, 4);
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  EXPECT_NE(text.find("100.00 %"), std::string::npos) << text;
  EXPECT_NE(text.find("1 ms |######"), std::string::npos) << text;
}

}  // namespace
}  // namespace vitrine::simulate
