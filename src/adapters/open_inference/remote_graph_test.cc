#include "adapters/open_inference/remote_graph.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "serve/fake_ranker.h"

namespace vitrine::adapters {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// A server of the protocol as a function, with a clock that only it moves.
class Remote : public testing::Test {
 protected:
  Remote() { Make({}); }

  void Make(RemoteGraphOptions options) {
    options.name = "ctr";
    options.target = "/v2/models/ctr";
    options.metrics = &metrics;
    options.now = [this] { return now; };
    options.send = [this](const RemoteCall& call) { return Serve(call); };
    graph = std::make_unique<RemoteGraph>(std::move(options), serve::RankerSpec(ids, 4));
  }

  Result<RemoteAnswer> Serve(const RemoteCall& call) {
    EXPECT_LE(call.deadline, now + 50ms);
    targets.emplace_back(call.target);
    now += takes;
    if (now > call.deadline) {
      now = call.deadline;
      return DeadlineExceeded("late");
    }
    if (call.body.empty()) {
      return RemoteAnswer{.status = 200,
                          .body = call.target == "/v2" ? R"({"extensions":[]})" : metadata};
    }
    if (infer) {
      return infer(call);
    }
    return RemoteAnswer{.status = 200, .body = Scores(call)};
  }

  // The number of each candidate, backwards.
  static std::string Scores(const RemoteCall& call) {
    const json asked = json::parse(call.body);
    json data = json::array();
    for (const json& tensor : asked["inputs"]) {
      if (tensor["name"] == "item") {
        for (const json& item : tensor["data"]) {
          data.push_back(-item.get<double>());
        }
      }
    }
    const json output = {
        {"name", "p"}, {"datatype", "FP32"}, {"shape", {data.size()}}, {"data", data}};
    return json({{"outputs", json::array({output})}}).dump();
  }

  Status Run(Deadline deadline = Deadline::max()) {
    const History history = {{.item = 3, .ts = {}, .type = EventType::kView, .basket = 0}};
    const std::vector<ItemIndex> candidates = {5, 2, 4};
    const data::FeatureInput input{.history = history, .as_of = {}, .candidates = candidates};
    std::vector<Tensor> features;
    EXPECT_TRUE(spec.Apply(std::span(&input, 1), features).ok());
    return graph->RunUntil(features, outputs, deadline);
  }

  [[nodiscard]] double Failures(const std::string& cause) const {
    const auto samples = metrics.Samples();
    for (const auto& [name, value] : samples) {
      if (name.starts_with("vitrine_remote_failures_total") &&
          name.find("\"" + cause + "\"") != std::string::npos) {
        return value;
      }
    }
    return -1;
  }
  [[nodiscard]] double Sample(const std::string& name) const {
    for (const auto& [sample, value] : metrics.Samples()) {
      if (sample.starts_with(name)) {
        return value;
      }
    }
    return -1;
  }

  std::vector<std::string> ids = {"a", "b", "c", "d"};
  data::FeatureSpec spec = serve::RankerSpec(ids, 4);
  MetricRegistry metrics;
  Deadline now{1h};
  std::chrono::milliseconds takes{1};
  std::string metadata =
      R"({"inputs":[{"name":"history","datatype":"INT64","shape":[1,-1]},
                    {"name":"item","datatype":"INT64","shape":[-1,1]}],
          "outputs":[{"name":"p","datatype":"FP32","shape":[-1]}]})";
  std::function<Result<RemoteAnswer>(const RemoteCall&)> infer;
  std::vector<std::string> targets;
  std::vector<Tensor> outputs;
  std::unique_ptr<RemoteGraph> graph;
};

TEST_F(Remote, AsksAsTheServerWantsItAndLearnsThatOnce) {
  std::string body;
  infer = [&body](const RemoteCall& call) {
    body = call.body;
    return RemoteAnswer{.status = 200, .body = Scores(call)};
  };
  ASSERT_TRUE(Run().ok());
  const json asked = json::parse(body);
  EXPECT_EQ(asked["inputs"][0]["shape"], json({1, 1}));  // one history for all
  EXPECT_EQ(asked["inputs"][1]["shape"], json({3, 1}));
  ASSERT_EQ(outputs.front().shape(), Shape{3});
  EXPECT_EQ(outputs.front().values<float>()[1], -2);
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(targets, (std::vector<std::string>{"/v2/models/ctr", "/v2", "/v2/models/ctr/infer",
                                               "/v2/models/ctr/infer"}));
}

TEST_F(Remote, WaitsNoLongerThanItsDeadlineOrTheRequests) {
  ASSERT_TRUE(Run().ok());
  takes = 80ms;
  Deadline begun = now;
  EXPECT_EQ(Run().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(now - begun, 50ms);
  begun = now;
  EXPECT_EQ(Run(now + 20ms).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(now - begun, 20ms);
  const std::size_t calls = targets.size();
  EXPECT_EQ(Run(now).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(targets.size(), calls);  // not even asked
  EXPECT_EQ(Failures("deadline"), 3);
}

TEST_F(Remote, AServerThatWasGivenHardlyAnyTimeHasNotFailed) {
  ASSERT_TRUE(Run().ok());
  takes = 80ms;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Run(now + 10ms).code(), Code::kDeadlineExceeded);
  }
  EXPECT_EQ(graph->breaker(), BreakerState::kClosed);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Run().code(), Code::kDeadlineExceeded);
  }
  EXPECT_EQ(graph->breaker(), BreakerState::kOpen);
  const std::size_t calls = targets.size();
  EXPECT_EQ(Run().code(), Code::kUnavailable);
  EXPECT_EQ(targets.size(), calls);
  EXPECT_EQ(Failures("breaker_open"), 1);
  EXPECT_EQ(Sample("vitrine_remote_breaker_state"), 2);
  takes = 1ms;
  now += 1s;
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(graph->breaker(), BreakerState::kClosed);
}

TEST_F(Remote, WhatFailedAtOnceIsTriedOnceMoreWithinTheBudget) {
  ASSERT_TRUE(Run().ok());
  int calls = 0;
  infer = [&calls](const RemoteCall& call) -> Result<RemoteAnswer> {
    if (++calls % 2 == 1) {
      return calls % 4 == 1 ? Result<RemoteAnswer>(Unavailable("refused"))
                            : RemoteAnswer{.status = 503, .body = {}};
    }
    return RemoteAnswer{.status = 200, .body = Scores(call)};
  };
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(Run().ok());
  }
  EXPECT_EQ(calls, 8);
  EXPECT_EQ(Sample("vitrine_remote_retries_total"), 4);
  EXPECT_EQ(Sample("vitrine_remote_requests_total"), 5);
  // Of what took its time before it failed nothing is left to try again in.
  takes = 30ms;
  EXPECT_EQ(Run().code(), Code::kUnavailable);
  EXPECT_EQ(calls, 9);
}

TEST_F(Remote, RetriesEndWithTheirBudget) {
  Make({.breaker = {.failures_in_a_row = 1'000'000, .failure_share = 2},
        .retries = {.share = 0.1, .saved = 2}});
  ASSERT_TRUE(Run().ok());
  int calls = 0;
  infer = [&calls](const RemoteCall&) -> Result<RemoteAnswer> {
    ++calls;
    return Unavailable("refused");
  };
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Run().code(), Code::kUnavailable);
  }
  EXPECT_GE(calls, 110);
  EXPECT_LE(calls, 112);
}

TEST_F(Remote, OtherStatusesAndBadScoresAreNotTriedAgain) {
  struct Case {
    int status;
    std::string body;
    std::string cause;
  };
  const auto output = [](const std::string& more) {
    return R"({"outputs":[{"name":"p","datatype":"FP32",)" + more + "}]}";
  };
  const std::vector<Case> cases = {{500, "", "status"},
                                   {400, "", "status"},
                                   {200, "<html>", "answer"},
                                   {200, output(R"("shape":[2],"data":[1,2])"), "answer"},
                                   {200, output(R"("shape":[3],"data":[1,2,1e999])"), "answer"},
                                   {200, output(R"("shape":[3],"data":[1,2,1e39])"), "answer"},
                                   {200, output(R"("shape":[1,3,1],"data":[1,2,3])"), "answer"}};
  for (const Case& c : cases) {
    Make({});
    infer = nullptr;
    ASSERT_TRUE(Run().ok());
    int calls = 0;
    infer = [&](const RemoteCall&) {
      ++calls;
      return RemoteAnswer{.status = c.status, .body = c.body};
    };
    const double before = Failures(c.cause);
    const Status status = Run();
    EXPECT_EQ(status.code(), Code::kInternal) << c.body;
    EXPECT_NE(status.message().find("remote 'ctr'"), std::string::npos);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(Failures(c.cause), before + 1) << c.status << c.body;
  }
}

TEST_F(Remote, AModelThatDoesNotFitIsNamedAndLearntAgainAfterARefusal) {
  metadata = R"({"inputs":[{"name":"colour","datatype":"INT64","shape":[-1]}],
                 "outputs":[{"name":"p","datatype":"FP32","shape":[-1]}]})";
  const Status misfit = Run();
  EXPECT_EQ(misfit.code(), Code::kInvalidArgument);
  EXPECT_NE(misfit.message().find("'colour'"), std::string::npos);
  metadata = R"({"inputs":[{"name":"item","datatype":"INT64","shape":[-1]}],
                 "outputs":[{"name":"p","datatype":"FP32","shape":[-1]}]})";
  ASSERT_TRUE(Run().ok());
  infer = [](const RemoteCall&) { return RemoteAnswer{.status = 400, .body = {}}; };
  EXPECT_FALSE(Run().ok());
  infer = nullptr;
  targets.clear();
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(targets.front(), "/v2/models/ctr");
}

TEST_F(Remote, MoreCallsThanMayBeAreRefusedAtOnce) {
  Make({.in_flight = 1});
  Status inner;
  int calls = 0;
  infer = [&](const RemoteCall& call) {
    if (++calls == 1) {
      inner = Run();  // while the first is under way
    }
    return RemoteAnswer{.status = 200, .body = Scores(call)};
  };
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(inner.code(), Code::kResourceExhausted);
  EXPECT_NE(inner.message().find("remote.ctr.in_flight"), std::string::npos);
  EXPECT_EQ(Failures("busy"), 1);
  EXPECT_TRUE(Run().ok());
}

TEST_F(Remote, MetricNamesAreAContract) {
  ASSERT_TRUE(Run().ok());
  std::set<std::string> written;
  const std::string text = metrics.WriteText();
  for (std::size_t at = 0; (at = text.find("# TYPE ", at)) != std::string::npos; ++at) {
    const std::size_t begin = at + 7;
    written.insert(text.substr(begin, text.find(' ', begin) - begin));
  }
  std::set<std::string> kept;
  std::ifstream file("src/adapters/open_inference/metric_names.txt");
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() != '#') {
      kept.insert(line);
    }
  }
  EXPECT_EQ(written, kept);
}

}  // namespace
}  // namespace vitrine::adapters
