// The gRPC load generator against a real server. What is timed by the machine is never compared with a clock here, only
// with the schedule.
#include "transport/grpc/load_target.h"

#include <thread>
#include <utility>

#include "simulate/load/load_run.h"
#include "simulate/load/load_testing.h"
#include "transport/grpc/server_testing.h"

namespace vitrine::rpc {
namespace {

using simulate::LoadOptions;
using simulate::LoadResult;
using simulate::Nanos;

constexpr Nanos kMilli = 1'000'000;

class GrpcLoadTarget : public GrpcTest {
 protected:
  static std::vector<std::string> Messages(const std::string& model, std::int64_t rows = 1) {
    return {Zeros(model, rows).SerializeAsString()};
  }
  LoadResult RunOn(const std::vector<std::string>& messages, const LoadOptions& options,
                   const LoadTargetOptions& how = {.calls = 8, .calls_per_connection = 3}) {
    auto target = MakeLoadTarget(server_->address(), messages, how);
    EXPECT_TRUE(target.ok()) << target.status().ToString();
    auto result = simulate::RunLoad(**target, options);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? *std::move(result) : LoadResult{};
  }
};

TEST_F(GrpcLoadTarget, OpenAndClosedLoopsCountEveryAnswer) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.rate = 500;
  const LoadResult open = RunOn(Messages("float32"), options);
  EXPECT_GT(open.total.due, 100U);
  EXPECT_EQ(open.total.counts.good, open.total.due);
  EXPECT_EQ(open.total.counts.by_status[0], open.total.due);
  EXPECT_EQ(open.total.lag.count(), open.total.due);
  options.rate = 0;
  options.concurrency = 8;
  const LoadResult closed = RunOn(Messages("float32", 40'000), options);
  EXPECT_GT(closed.total.counts.good, 8U);
  EXPECT_EQ(closed.total.counts.good, closed.total.due);
  EXPECT_GE(inference_.Counts("float32", "")[0].success, open.total.due + closed.total.due);
}

// The model stands still from the first request on, until every request of the schedule was due. Each of them must show at
// least the time from its own moment to the end of the stall, though only two could be sent before it.
TEST_F(GrpcLoadTarget, AStallShowsInAllThatWasDueMeanwhile) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.rate = 250;
  options.spacing = simulate::Spacing::kConstant;
  options.warmup = 0;
  options.windows = 1;
  options.window = 200 * kMilli;
  static constexpr Nanos kStall = 500 * kMilli;
  gate_.Close();
  std::jthread opener([this] {
    EXPECT_TRUE(gate_.WaitForRuns(1));
    std::this_thread::sleep_for(std::chrono::nanoseconds(kStall));
    gate_.Open();
  });
  const LoadResult result = RunOn(Messages("slow"), options, {.calls = 2});
  EXPECT_EQ(result.total.due, 50U);
  EXPECT_EQ(result.total.counts.good, 50U);
  EXPECT_GE(result.total.waited, 47U);
  EXPECT_GE(result.total.latency.min(), (kStall - 200 * kMilli) * 999 / 1000);
  EXPECT_GE(result.total.Latency(0.5), (kStall - 100 * kMilli) * 999 / 1000);
}

TEST_F(GrpcLoadTarget, RefusalsAndTimeoutsAreCountedByWhatTheyAre) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.rate = 200;
  const LoadResult refused = RunOn(Messages("absent"), options);
  EXPECT_GT(refused.total.due, 0U);
  EXPECT_EQ(refused.total.counts.by_status[grpc::StatusCode::NOT_FOUND], refused.total.due);
  EXPECT_EQ(refused.total.counts.refused, refused.total.due);
  EXPECT_EQ(refused.spoiled, "there was no good answer");
  // One that the server gives up is an answer, and so is "busy": neither is a lost connection.
  gate_.Close();
  options.warmup = 0;  // the first ones wait in vain, later ones find the queue full
  options.timeout = 30 * kMilli;
  const LoadResult late = RunOn(Messages("slow"), options, {.calls = 64});
  gate_.Open();
  const auto& counts = late.total.counts;
  EXPECT_GT(counts.timed_out, 0U);
  EXPECT_EQ(counts.timed_out + counts.by_status[grpc::StatusCode::DEADLINE_EXCEEDED] +
                counts.by_status[grpc::StatusCode::UNAVAILABLE],
            late.total.due);
}

TEST_F(GrpcLoadTarget, ADeadServerIsReported) {
  Start();
  LoadOptions options = simulate::ShortRun();
  options.windows = 100;
  options.concurrency = 4;
  const std::string address = server_->address();
  auto target = MakeLoadTarget(address, Messages("float32"), {.calls = 4});
  ASSERT_TRUE(target.ok()) << target.status().ToString();
  const int before = runs_;
  std::jthread killer([this, before] {
    while (runs_ < before + 100) {
      std::this_thread::sleep_for(1ms);
    }
    server_.reset();
  });
  EXPECT_EQ(simulate::RunLoad(**target, options).status().code(), vitrine::Code::kUnavailable);
  killer.join();
  const vitrine::Status none = MakeLoadTarget(address, Messages("float32"), {}).status();
  EXPECT_EQ(none.code(), vitrine::Code::kUnavailable);
  EXPECT_NE(none.message().find(address), std::string::npos) << none.message();
  EXPECT_EQ(MakeLoadTarget(address, {}, {}).status().code(), vitrine::Code::kInvalidArgument);
}

TEST_F(GrpcLoadTarget, KeysGoWithTheCalls) {
  const std::string key = keys_.Add("serve");
  Start(http::AuthMode::kKeys);
  const LoadResult with = RunOn(Messages("float32"), simulate::ShortRun(),
                                {.calls = 1, .calls_per_connection = 1, .api_key = key});
  EXPECT_GT(with.total.counts.good, 0U);
  EXPECT_EQ(with.total.counts.failed(), 0U);
}

TEST(InferMessage, HoldsTheTensorsOfABody) {
  const auto message = MakeInferMessage(
      {.body =
           R"({"id": "q", "parameters": {"priority": 1, "timeout": 5}, "outputs": [{"name": "y"}], "inputs": [
         {"name": "a", "datatype": "INT64", "shape": [1, 2], "data": [3, 4]},
         {"name": "b", "datatype": "BYTES", "shape": [1], "data": ["cd"]}]})"},
      "m", "7");
  ASSERT_TRUE(message.ok()) << message.status().ToString();
  ::inference::ModelInferRequest request;
  ASSERT_TRUE(request.ParseFromString(*message));
  EXPECT_EQ(request.model_name(), "m");
  EXPECT_EQ(request.model_version(), "7");
  EXPECT_EQ(request.id(), "q");
  EXPECT_EQ(request.inputs(0).datatype(), "INT64");
  EXPECT_EQ(request.inputs(0).shape(1), 2);
  EXPECT_EQ(request.raw_input_contents(0), std::string("\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(request.raw_input_contents(1), std::string("\2\0\0\0cd", 6));
  EXPECT_EQ(request.outputs(0).name(), "y");
  EXPECT_EQ(request.parameters().at("priority").uint64_param(), 1U);
  EXPECT_EQ(request.parameters().at("timeout").int64_param(), 5);
  EXPECT_EQ(MakeInferMessage({.body = "{"}, "m", "").status().code(),
            vitrine::Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::rpc
