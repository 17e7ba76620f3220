// The whole POST /v1/recommend path beside a bare loop over the same model's graph.
//
// Method: one server I/O thread, one client thread, on loopback. The same histories (the test cases
// of the data set) go to both sides. Throughput: kConnections keep-alive connections, one request
// outstanding on each; served and bare take turns, kPairs times; the ratio is taken pair by pair.
// Latency: open loop, arrivals drawn beforehand (Poisson) at half of the measured throughput, each
// latency counted from the moment the request was due, so that a server that falls behind shows it.
// The client is the load generator of `vitrine bench`. Its own lag is a bar; where that spoils the
// latencies, they are left out.
// Then the same path for users that the server knows: their state is read from the log, nothing but a name is
// sent. A thousand requests a second (the figure of Serenade, SIGMOD 2022, for one session-kNN server), and the highest
// rate that keeps p90 below 7 ms.
//   serving [DATA_DIRECTORY]   one that has a champion; without it the amazon-beauty data set is run
//                              first (VITRINE_TEST_DATA, default ../shared), or a simulated shop
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/runtime.h"
#include "bench/report.h"
#include "bench/serving_fixture.h"
#include "evaluate/holdout.h"
#include "simulate/load/capacity_run.h"
#include "transport/http/client.h"
#include "transport/http/load_target.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kPairs = 10;
constexpr int kSeconds = 1;
constexpr int kLatencySeconds = 10;

/// The same questions for both sides.
struct Questions {
  std::vector<std::string> requests;
  std::vector<std::string> by_name;  ///< of the same users: what the server knows of them counts
  std::vector<std::vector<Tensor>> inputs;
};

double BarePerSecond(const serve::LoadedGraph& graph, const Questions& questions) {
  std::vector<Tensor> outputs;
  const auto begin = Clock::now();
  std::size_t runs = 0;
  std::chrono::duration<double> taken{0};
  while (taken.count() < kSeconds) {
    CHECK(graph.Run(questions.inputs[runs++ % questions.inputs.size()], outputs).ok());
    taken = Clock::now() - begin;
  }
  return static_cast<double>(runs) / taken.count();
}

simulate::LoadResult OpenLoop(const http::Endpoint& endpoint,
                              const std::vector<std::string>& requests, double per_second) {
  return Load(endpoint, requests, 4 * kConnections,
              {.rate = per_second,
               .seed = 7,
               .warmup = 0,
               .window = kLatencySeconds * simulate::kNanosPerSecond,
               .windows = 1});
}

/// The highest rate that keeps the bound, each measured for one to five seconds; 0: none did.
double Capacity(const http::Endpoint& endpoint, const std::vector<std::string>& requests,
                double first, const simulate::LatencyBound& bound) {
  const auto target = http::MakeLoadTarget(endpoint, requests, {.connections = 64});
  CHECK(target.ok());
  const auto found = simulate::FindCapacity(
      **target, {.rate = first, .window = simulate::kNanosPerSecond, .windows = 5}, bound, {}, {},
      [](const simulate::CapacityLevel& level) {
        std::printf("  %.0f a second: p90 %.2f ms%s%s\n", level.rate,
                    static_cast<double>(level.latency) * 1e-6, level.holds ? "" : ", too long",
                    level.spoiled.empty() ? "" : ", the client itself was late");
      });
  CHECK(found.ok());
  return found->rate;
}

/// The newest job's cases, as requests and as the graph's inputs.
Questions Ask(const std::string& data, const adapters::LoadedArtifact& model) {
  const auto holdout = evaluate::ReadHoldout(HoldoutOf(data));
  CHECK(holdout.ok());
  Questions questions;
  for (const evaluate::HoldoutCase& one : holdout->cases) {
    if (one.part != evaluate::Part::kTest || questions.requests.size() == 5000) {
      continue;
    }
    json ids = json::array();
    History history;
    for (const evaluate::HoldoutEvent& event : one.history) {
      ids.push_back(holdout->items[event.item]);
      history.push_back({.item = model.vocabulary->Find(holdout->items[event.item]),
                         .ts = event.ts,
                         .type = event.type,
                         .basket = event.basket});
    }
    json body = {{"n", 10}, {"user_id", one.user}};
    questions.by_name.push_back(Asking(body.dump()));
    body["history"] = std::move(ids);
    questions.requests.push_back(Asking(body.dump()));
    const data::FeatureInput input{.history = history, .candidates = {}};
    std::vector<Tensor> inputs;
    CHECK(model.features->Apply({&input, 1}, inputs).ok());
    questions.inputs.push_back(std::move(inputs));
  }
  CHECK(!questions.requests.empty());
  return questions;
}

std::string ChampionFolder(const http::Endpoint& endpoint) {
  http::Client client(endpoint);
  const auto answer = client.Get("/v1/models/champion");
  CHECK(answer.ok() && answer->ok());
  const std::string hash = json::parse(answer->body)["artifact"];
  return "/artifacts/sha256/" + hash.substr(0, 2) + "/" + hash.substr(2, 2) + "/" + hash;
}

int Main(int argc, char** argv) {
  std::string data = argc > 1 ? argv[1] : "";
  std::optional<TemporaryFolder> made;
  if (data.empty()) {
    data = made.emplace().path() + "/data";
    Prepare(data);
  }
  auto server = Serve(data);
  const http::Endpoint endpoint = EndpointOf(*server);
  const auto runtime = adapters::MakeOnnxRuntime();
  CHECK(runtime.ok());
  const auto model = adapters::LoadArtifact(data + ChampionFolder(endpoint), **runtime);
  CHECK(model.ok());
  const Questions questions = Ask(data, *model);

  ServeForASecond(endpoint, questions.requests);  // warm
  BarePerSecond(*model->graph, questions);
  std::vector<double> served;
  std::vector<double> bare;
  std::vector<double> ratios;
  for (int pair = 0; pair < kPairs; ++pair) {
    served.push_back(ServeForASecond(endpoint, questions.requests).throughput());
    bare.push_back(BarePerSecond(*model->graph, questions));
    ratios.push_back(served.back() / bare.back());
  }
  const simulate::LoadResult open = OpenLoop(endpoint, questions.requests, Median(served) / 2);
  const auto micros = [](simulate::Nanos time) { return static_cast<double>(time) * 1e-3; };
  std::vector<Bar> bars = {
      {"recommendations served a second, one I/O thread", Median(served), "1/s", true, 0, kPairs,
       Spread(served)},
      {"bare runs of the same graph a second", Median(bare), "1/s", true, 0, kPairs, Spread(bare)},
      {"served / bare", Median(ratios), "", true, 0, kPairs, Spread(ratios)},
      {"p99 of the client's own lag", micros(open.total.lag.Quantile(0.99)), "us", false, 0, 1, 0}};
  if (open.spoiled.empty()) {
    bars.push_back(
        {"p50 at half load, open loop", micros(open.total.Latency(0.5)), "us", false, 0, 1, 0});
    bars.push_back(
        {"p99 at half load, open loop", micros(open.total.Latency(0.99)), "us", false, 0, 1, 0});
  } else {
    std::printf("no latency at half load: %s\n", open.spoiled.c_str());
  }
  const simulate::LatencyBound bound{.percentile = 0.9, .limit = 7'000'000};
  const simulate::LoadResult known = OpenLoop(endpoint, questions.by_name, 1000);
  bars.push_back({"1,000 requests a second for known users: p90",
                  micros(known.total.Latency(0.9)) * 1e-3, "ms", false, 7, 1, 0});
  if (!known.spoiled.empty()) {
    std::printf("p90 at 1,000 requests a second holds the client's lag: %s\n",
                known.spoiled.c_str());
  }
  bars.push_back({"the most requests a second for known users at p90 <= 7 ms",
                  Capacity(endpoint, questions.by_name, 1000, bound), "1/s", true, 0, 1, 0});
  Report("serving", bars);
  server.reset();  // before its folder goes
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Main(argc, argv); }
