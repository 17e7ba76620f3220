// The best pipeline behind one scene: the hybrid of all retrievers, asked over HTTP.
//
// Latency: Poisson arrivals at kRate, each latency counted from the moment the request was due; the median of kRuns runs.
// The server has its own number of I/O threads, one a core; the client one thread on the same cores. A run in which the client itself was late is repeated.
// Explanations: kExplained answers, one after the other: how long they take, and how far their parts are from the score at
// most.
//   pipeline [DATA_DIRECTORY]   one whose champion is the pipeline; without it the ready spec hybrid is fitted on
//                               amazon-beauty (VITRINE_TEST_DATA, default ../shared)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/report.h"
#include "bench/serving_fixture.h"
#include "transport/http/client.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

constexpr double kRate = 100;
constexpr int kRuns = 6;
constexpr int kTries = 3;
constexpr int kRunSeconds = 10;
constexpr std::size_t kExplained = 200;

struct Latencies {
  std::vector<double> p50;  ///< ms
  std::vector<double> p99;
};

void Measure(const http::Endpoint& endpoint, const std::vector<std::string>& requests,
             std::uint64_t seed, Latencies& into) {
  for (int tries = 0; tries < kTries; ++tries) {
    const simulate::LoadResult load = Load(endpoint, requests, kConnections,
                                           {.rate = kRate,
                                            .seed = seed,
                                            .window = kRunSeconds * simulate::kNanosPerSecond,
                                            .windows = 1,
                                            .until_stable = false});
    if (load.spoiled.empty()) {
      into.p50.push_back(static_cast<double>(load.total.Latency(0.5)) * 1e-6);
      into.p99.push_back(static_cast<double>(load.total.Latency(0.99)) * 1e-6);
      return;
    }
    std::printf("left out, the client was late: %s\n", load.spoiled.c_str());
  }
}

void MeasureLatency(const http::Endpoint& endpoint, const std::string& data,
                    std::vector<Bar>& bars) {
  const auto requests = AskingAll(BodiesOfTestCases(data, R"({"n": 10})"));
  Latencies latencies;
  for (int run = 0; run < kRuns; ++run) {
    Measure(endpoint, requests, static_cast<std::uint64_t>(run) + 1, latencies);
  }
  const auto bar = [&](const char* name, const std::vector<double>& values, double bound) {
    bars.push_back({name, Median(values), "ms", false, bound, static_cast<int>(values.size()),
                    Spread(values)});
  };
  bar("100 requests a second: p50", latencies.p50, 0);
  bar("100 requests a second: p99", latencies.p99, 5);
}

void MeasureExplained(const http::Endpoint& endpoint, const std::string& data,
                      std::vector<Bar>& bars) {
  http::Client client(endpoint);
  std::vector<std::string> bodies = BodiesOfTestCases(data, R"({"n": 10, "explain": true})");
  bodies.resize(std::min(bodies.size(), kExplained));
  double farthest = 0;
  std::vector<double> times;
  for (const std::string& question : bodies) {
    Result<http::ClientResponse> answer = Unavailable("not asked");
    times.push_back(1e3 *
                    SecondsPerCall(1, [&] { answer = client.Post("/v1/recommend", question); }));
    CHECK(answer.ok() && answer->ok());
    const json body = json::parse(answer->body);
    for (const json& item : body.at("items")) {
      double sum = 0;
      for (const json& reason : item.at("reasons")) {
        sum += reason.at("contribution").get<double>();
      }
      farthest = std::max(farthest, std::fabs(sum - item.at("score").get<double>()));
    }
  }
  bars.push_back({"explained, one after the other: p50", Median(times), "ms", false, 0,
                  static_cast<int>(times.size()), Spread(times)});
  bars.push_back({"parts of a score against the score, farthest", farthest, "", false, 1e-6,
                  static_cast<int>(bodies.size()), 0});
}

int Run(int argc, char** argv) {
  const TemporaryFolder folder;
  const std::string data = argc > 1 ? argv[1] : folder.path() + "/data";
  if (argc <= 1) {
    Prepare(data, {"hybrid"});
  }
  const auto server = Serve(data, {"server.threads=0"});
  const http::Endpoint endpoint = EndpointOf(*server);
  std::vector<Bar> bars;
  MeasureExplained(endpoint, data, bars);
  MeasureLatency(endpoint, data, bars);
  Report("pipeline", bars);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Run(argc, argv); }
