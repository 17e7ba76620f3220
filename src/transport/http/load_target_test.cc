// The load generator against real sockets. What is timed by the machine is never compared with a
// clock here, only with the schedule.
#include "transport/http/load_target.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "simulate/load/load_run.h"
#include "simulate/load/load_testing.h"
#include "transport/http/client_wire.h"
#include "transport/http/server_testing.h"

namespace vitrine::http {
namespace {

using simulate::kNanosPerSecond;
using simulate::LoadOptions;
using simulate::LoadResult;
using simulate::Nanos;

constexpr Nanos kMilli = 1'000'000;

std::vector<std::string> Requests(std::string_view method, std::string_view target,
                                  std::string_view body = {}) {
  std::string text;
  AppendRequest({.method = method, .target = target, .body = body}, {}, "", {}, text);
  return {text};
}

class LoadTargetTest : public ServerTest {
 protected:
  LoadResult RunOn(std::vector<std::string> requests, const LoadOptions& options,
                   std::size_t connections = 8, bool head = false) {
    auto target = MakeLoadTarget(endpoint_, std::move(requests),
                                 {.connections = connections, .head_requests = head});
    EXPECT_TRUE(target.ok()) << target.status().ToString();
    auto result = simulate::RunLoad(**target, options);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? *std::move(result) : LoadResult{};
  }
};

TEST_F(LoadTargetTest, OpenAndClosedLoopsCountEveryAnswer) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.rate = 500;
  const LoadResult open = RunOn(Requests("GET", "/x"), options);
  EXPECT_GT(open.total.due, 100U);
  EXPECT_EQ(open.total.counts.good, open.total.due);
  EXPECT_EQ(open.total.lag.count(), open.total.due);
  options.rate = 0;
  options.concurrency = 8;
  const LoadResult closed = RunOn(Requests("POST", "/x", std::string(300'000, 'b')), options);
  EXPECT_GT(closed.total.counts.good, 8U);
  EXPECT_EQ(closed.total.counts.good, closed.total.due);
}

TEST_F(LoadTargetTest, LargeAnswersAndHeadsAreFramed) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.concurrency = 2;
  options.window = 2 * kNanosPerSecond;
  options.windows = 1;
  const LoadResult large = RunOn(Requests("GET", "/large"), options, 2);
  EXPECT_GT(large.total.counts.good, 0U);
  EXPECT_EQ(large.total.counts.failed(), 0U);
  const LoadResult head = RunOn(Requests("HEAD", "/x"), simulate::ShortRun(), 1, true);
  EXPECT_GT(head.total.counts.good, 0U);
  EXPECT_EQ(head.total.counts.failed(), 0U);
}

// The server stands still from the first request on, until every request of the schedule was due.
// Each of them must show at least the time from its own moment to the end of the stall, though only
// two could be sent before it: the latencies are bounded by the schedule, not by the clock.
TEST_F(LoadTargetTest, AStallShowsInAllThatWasDueMeanwhile) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.rate = 1000;
  options.spacing = simulate::Spacing::kConstant;
  options.warmup = 0;
  options.windows = 1;
  options.window = 400 * kMilli;
  static constexpr Nanos kStall = 1000 * kMilli;
  std::jthread opener([this] {
    paths_.slow_started.Wait();
    std::this_thread::sleep_for(std::chrono::nanoseconds(kStall));
    paths_.slow.Open();
  });
  const LoadResult result = RunOn(Requests("GET", "/slow"), options, 2);
  EXPECT_EQ(result.total.due, 400U);
  EXPECT_EQ(result.total.counts.good, 400U);
  EXPECT_GE(result.total.waited, 397U);
  // Due at i ms, answered after the stall: i * 1 ms before its end at most.
  EXPECT_GE(result.total.latency.min(), (kStall - 400 * kMilli) * 999 / 1000);
  EXPECT_GE(result.total.Latency(0.5), (kStall - 200 * kMilli) * 999 / 1000);
}

TEST_F(LoadTargetTest, RefusalsAndTimeoutsAreCountedByWhatTheyAre) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.rate = 200;
  const LoadResult refused = RunOn(Requests("GET", "/refuse"), options);
  EXPECT_EQ(refused.total.counts.by_status[403], refused.total.due);
  EXPECT_EQ(refused.total.counts.refused, refused.total.due);
  EXPECT_EQ(refused.spoiled, "there was no good answer");
  options.timeout = 30 * kMilli;
  const LoadResult late = RunOn(Requests("GET", "/slow"), options);
  EXPECT_GT(late.total.due, 0U);
  EXPECT_EQ(late.total.counts.timed_out, late.total.due);
}

TEST_F(LoadTargetTest, ADeadServerIsReported) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.windows = 100;
  options.concurrency = 4;
  auto target = MakeLoadTarget(endpoint_, Requests("GET", "/x"), {.connections = 4});
  ASSERT_TRUE(target.ok()) << target.status().ToString();
  std::jthread killer([this] {
    while (paths_.handled.load() < 100) {
      std::this_thread::sleep_for(1ms);
    }
    server_.reset();
  });
  EXPECT_EQ(simulate::RunLoad(**target, options).status().code(), Code::kUnavailable);
  killer.join();
  const Status none = MakeLoadTarget(endpoint_, Requests("GET", "/x"), {}).status();
  EXPECT_EQ(none.code(), Code::kUnavailable);
  EXPECT_EQ(MakeLoadTarget(endpoint_, {}, {}).status().code(), Code::kInvalidArgument);
}

TEST_F(LoadTargetTest, AConnectionThatTheServerClosesIsMadeAgain) {
  Start({.framing = {}, .idle_timeout = 50ms});
  LoadOptions options = simulate::ShortRun();
  options.rate = 10;  // idle for longer between two requests of a connection
  options.window = 500 * kMilli;
  const LoadResult result = RunOn(Requests("GET", "/x"), options, 4);
  EXPECT_GT(result.total.counts.good, 0U);
  // One that ends while a request is on its way is a failure of that request, and says so.
  EXPECT_EQ(result.total.counts.good + result.total.counts.broken, result.total.due);
}

}  // namespace
}  // namespace vitrine::http
