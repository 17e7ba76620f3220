// The inference protocol over HTTP beside bare runs of the same graphs.
//
// Method: everything on loopback in one process: one I/O thread of the server, the load generator of `vitrine bench` on the
// caller's thread; over gRPC the generator is a process of its own. The variants take turns and ratios are taken pair by pair. A bare loop runs on one thread while
// another thread keeps the second core as busy as the client keeps it. CPU time of the server: the process's
// without the client's thread. Weights are random: speed does not ask what was learned.
//   inference [PART...]   throughput cpu batching latency overload publish cache together; all without one
//   inference graph FILE  writes the network over 12,000 items as ONNX, and measures nothing (tools/mlserver)
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "adapters/onnxruntime/runtime.h"
#include "bench/inference_fixture.h"
#include "bench/network_graphs.h"
#include "bench/report.h"

namespace vitrine::bench {
namespace {

constexpr int kPairs = 8;
constexpr double kSeconds = 0.6;
constexpr std::int64_t kBatchRows = 16;

struct Model {
  std::string title;
  Requests requests;
  std::string file;
  std::unique_ptr<serve::LoadedGraph> graph;
};

double Micros(simulate::Nanos time) { return static_cast<double>(time) * 1e-3; }

class Bench {
 public:
  Bench() {
    std::string folder = (std::filesystem::temp_directory_path() / "vitrine-bench-XXXXXX").string();
    folder_ = ::mkdtemp(folder.data());
    auto runtime = adapters::MakeOnnxRuntime();
    CHECK(runtime.ok());
    runtime_ = *std::move(runtime);
    Add("12,000 items", "small", "history", kPlaces, 12'000, SequenceGraph(12'000));
    Add("100,000 items", "large", "history", kPlaces, 100'000, SequenceGraph(100'000));
    Add("encoder, 32 tokens", "encoder", "tokens", kTokens, kWords, EncoderGraph());
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() { std::filesystem::remove_all(folder_); }

  /// Answers a second by one thread that runs models, each request run alone, beside bare runs a second.
  void Throughput() {
    serve::InferenceOptions options;
    options.workers = 1;
    const auto server = Serve(options, 1);
    const std::vector<double> bounds = {0.80, 0.95, 0.98};
    for (std::size_t m = 0; m < models_.size(); ++m) {
      const Model& model = models_[m];
      const auto requests = Render(model.requests);
      std::vector<double> served;
      std::vector<double> ratios;
      Pairs(
          [&] {
            const Measured load = ClosedLoop(*server, requests, 8, kSeconds);
            served.push_back(load.load.throughput());
            ratios.push_back(served.back() / Beside(model, load).per_second);
          },
          served, ratios);
      Value(model.title + ": answers a second, unbatched", served, "1/s", true);
      Value(model.title + ": served / bare", ratios, "", true, bounds[m]);
    }
  }

  /// CPU time of the server for a request, beside a bare run's.
  void Cpu() {
    const auto server = Serve({}, kBatchRows);
    const Model& model = models_[0];
    for (const bool binary : {false, true}) {
      Requests asked = model.requests;
      asked.binary = binary;
      const auto requests = Render(asked);
      for (const std::size_t concurrency : {1UL, 4UL, 16UL}) {
        std::vector<double> ratios;
        Pairs(
            [&] {
              const Measured load = ClosedLoop(*server, requests, concurrency, kSeconds);
              ratios.push_back(load.server_seconds / Beside(model, load).seconds);
            },
            ratios);
        const double bound = concurrency == 1 ? (binary ? 1.5 : 1.6) : (binary ? 1.25 : 1.3);
        Value(fmt::format("{}: CPU / bare CPU, {}, {} at once", model.title,
                          binary ? "binary" : "JSON", concurrency),
              ratios, "", false, bound);
      }
    }
    for (const std::size_t concurrency : {1UL, 4UL, 16UL}) {
      std::vector<double> ratios;
      Pairs(
          [&] {
            const MeasuredApart load =
                GrpcClosedLoop(*server, model.requests, concurrency, 2 * kSeconds);
            const Bare bare = BareRuns(*model.graph, model.requests, kSeconds, load.client_share);
            ratios.push_back(load.server_seconds / bare.seconds);
          },
          ratios);
      Value(fmt::format("{}: CPU / bare CPU, gRPC, {} at once", model.title, concurrency), ratios,
            "", false, concurrency == 1 ? 1.9 : 1.6);
    }
  }

  /// What joining requests gives at saturation, and costs a server that has little to do.
  void Batching() {
    const auto joined = Serve({}, kBatchRows);
    const auto alone = Serve({}, 1);
    const std::vector<double> bounds = {1.35, 2.2};
    for (std::size_t m = 0; m < 2; ++m) {
      const Model& model = models_[m];
      const auto requests = Render(model.requests);
      std::vector<double> gains;
      std::vector<double> rates;
      Pairs(
          [&] {
            const double with = ClosedLoop(*joined, requests, 32, kSeconds).load.throughput();
            rates.push_back(ClosedLoop(*alone, requests, 32, kSeconds).load.throughput());
            gains.push_back(with / rates.back());
          },
          gains, rates);
      std::vector<double> costs;
      Pairs(
          [&] {
            const auto p50 = [&](const InferenceServer& server) {
              return Micros(OpenLoop(server, requests, Median(rates) / 10, 1.5).total.Latency(0.5));
            };
            const double with = p50(*joined);
            costs.push_back(with / p50(*alone));
          },
          costs);
      Value(fmt::format("{}: joined (up to {}) / alone, 32 at once", model.title,
                        joined->batch_rows(model.requests.model)),
            gains, "", true, bounds[m]);
      Value(model.title + ": p50 joined / alone at a tenth of the load", costs, "", false, 1.05);
    }
  }

  /// Open loop at half of what the server can do.
  void Latency() {
    const auto server = Serve({}, kBatchRows);
    const std::vector<double> bounds = {4, 2.5};
    for (std::size_t m = 0; m < 2; ++m) {
      const Model& model = models_[m];
      const auto requests = Render(model.requests);
      const double rate = ClosedLoop(*server, requests, 8, 2).load.throughput() / 2;
      std::vector<double> ratios;
      std::vector<double> queues;
      std::vector<double> lags;
      Pairs(
          [&] {
            const Measured measured = Poisson(*server, requests, rate, 3);
            const simulate::LoadWindow& load = measured.load.total;
            CHECK(load.counts.failed() == 0);
            lags.push_back(Micros(load.lag.Quantile(0.99)));
            const double p99 = Micros(load.Latency(0.99)) * 1e-6;
            ratios.push_back(p99 / Beside(model, measured).p99);
            queues.push_back(
                p99 / BareQueueP99(*model.graph, model.requests, rate, 3, measured.client_share));
          },
          ratios, queues, lags);
      Value(model.title + ": p99 at half load / bare p99", ratios, "", false, bounds[m]);
      Value(model.title + ": p99 at half load / of a bare queue with the same arrivals", queues, "",
            false);
      Value(model.title + ": p99 of the generator's lag", lags, "us", false, 50);
    }
  }

  /// Twice what the server can do, with a timeout of 20 ms a request.
  void Overload() {
    serve::InferenceOptions options;
    options.waiting = 64;
    const auto server = Serve(options, kBatchRows);
    Requests asked = models_[0].requests;
    asked.timeout_us = 20'000;
    const auto requests = Render(asked);
    std::vector<double> goodput;
    std::vector<double> latencies;
    std::vector<double> refusals;
    Pairs(
        [&] {
          const double capacity = ClosedLoop(*server, requests, 32, kSeconds).load.throughput();
          const simulate::LoadResult load = OpenLoop(*server, requests, 2 * capacity, 2, 256);
          goodput.push_back(load.throughput() / capacity);
          latencies.push_back(Micros(load.total.latency.Quantile(0.99)) * 1e-3);
          refusals.push_back(Micros(load.total.refusal.Quantile(0.5)) * 1e-3);
        },
        goodput, latencies, refusals);
    Value("twice the capacity: good answers / capacity", goodput, "", true, 0.9);
    Value("twice the capacity: p99 of the good ones", latencies, "ms", false);
    Value("twice the capacity: p50 of the refused ones", refusals, "ms", false, 1);
  }

  /// Versions are swapped under half load, four a second; one more client asks as soon as a version is there.
  void Publish() {
    constexpr std::chrono::milliseconds kPause{250};
    const auto server = Serve({}, kBatchRows);
    Requests asked = models_[0].requests;
    const auto requests = Render(asked);
    asked.bodies = 1;
    const double rate = ClosedLoop(*server, requests, 8, 2).load.throughput() / 2;
    std::vector<double> ratios;
    std::vector<double> firsts;
    std::uint64_t failed = 0;
    int number = 1;
    Pairs(
        [&] {
          const simulate::LoadResult steady = OpenLoop(*server, requests, rate, 2);
          const double steady_p99 = Micros(steady.total.Latency(0.99)) * 1e-6;
          std::jthread publisher([&](const std::stop_token& over) {
            http::Client client(server->endpoint());
            AskOnce(client, asked);  // connects
            while (!over.stop_requested()) {
              server->Publish(asked.model, models_[0].file, ++number);
              firsts.push_back(AskOnce(client, asked) / steady_p99);
              std::this_thread::sleep_for(kPause);
            }
          });
          const simulate::LoadResult swapped = OpenLoop(*server, requests, rate, 2);
          publisher.request_stop();
          publisher.join();
          failed += steady.total.counts.failed() + swapped.total.counts.failed();
          ratios.push_back(Micros(swapped.total.Latency(0.99)) * 1e-6 / steady_p99);
        },
        ratios, firsts);
    bars_.push_back({fmt::format("{} swaps under half load: failed requests", number - 1),
                     static_cast<double>(failed), "", false, 0, kPairs, 0});
    std::sort(firsts.begin(), firsts.end());
    Value("first request after a swap / steady p99: median", firsts, "", false);
    Value("first request after a swap / steady p99: the worst of ten",
          {firsts[firsts.size() * 9 / 10]}, "", false, 2);
    Value("p99 while versions are loaded and swapped / steady p99", ratios, "", false);
  }

  void Cache() {
    serve::InferenceOptions options;
    options.cache.bytes = std::size_t{8} << 20;
    const auto kept = Serve(options, 1);
    options.cache.bytes = std::size_t{1} << 18;
    const auto forgetful = Serve(options, 1);
    const auto none = Serve({}, 1);
    Requests asked = models_[0].requests;
    const auto few = Render(asked);
    asked.bodies = 20'000;  // far more than it keeps: each is gone before it comes again
    const auto many = Render(asked);
    std::vector<double> hits;
    std::vector<double> misses;
    Pairs(
        [&] {
          const double alone = ClosedLoop(*none, few, 1, kSeconds).load.total.latency.mean();
          hits.push_back(alone / ClosedLoop(*kept, few, 1, kSeconds).load.total.latency.mean());
          const double plain = ClosedLoop(*none, many, 4, kSeconds).server_seconds;
          misses.push_back(ClosedLoop(*forgetful, many, 4, kSeconds).server_seconds / plain);
        },
        hits, misses);
    Value("time of a miss / of a hit, one at a time", hits, "x", true, 3);
    Value("CPU with a cache that never hits / without one", misses, "", false, 1.03);
  }

  /// Two models at once, each with its own clients: what each gets, as a share of what it gets alone.
  void Together() {
    const auto server = Serve({}, kBatchRows);
    const auto a = Render(models_[0].requests);
    const auto b = Render(models_[1].requests);
    std::vector<double> sums;
    Pairs(
        [&] {
          const double a_alone = ClosedLoop(*server, a, 8, kSeconds).load.throughput();
          const double b_alone = ClosedLoop(*server, b, 8, kSeconds).load.throughput();
          double b_shared = 0;
          std::jthread other(
              [&] { b_shared = ClosedLoop(*server, b, 8, 2 * kSeconds).load.throughput(); });
          const double a_shared = ClosedLoop(*server, a, 8, 2 * kSeconds).load.throughput();
          other.join();
          sums.push_back(a_shared / a_alone + b_shared / b_alone);
        },
        sums);
    Value("two models together: sum of their shares", sums, "", true, 0.9);
  }

  [[nodiscard]] const std::vector<Bar>& bars() const { return bars_; }

 private:
  void Add(const std::string& title, const std::string& name, const std::string& input,
           std::int64_t length, std::int64_t values, const std::string& bytes) {
    Model model{.title = title,
                .requests = {.model = name, .input = input, .length = length, .values = values},
                .file = folder_ + "/" + name + ".onnx",
                .graph = nullptr};
    std::ofstream(model.file, std::ios::binary) << bytes;
    auto graph = runtime_->Load(model.file, {});
    CHECK(graph.ok());
    model.graph = *std::move(graph);
    models_.push_back(std::move(model));
  }
  std::unique_ptr<InferenceServer> Serve(const serve::InferenceOptions& options,
                                         std::int64_t batch_rows) {
    std::map<std::string, std::string> files;
    for (const Model& model : models_) {
      files[model.requests.model] = model.file;
    }
    return std::make_unique<InferenceServer>(files, *runtime_, options, batch_rows);
  }
  /// Bare runs with the second core as busy as the client of `load` kept it.
  static Bare Beside(const Model& model, const Measured& load) {
    return BareRuns(*model.graph, model.requests, kSeconds, load.client_share);
  }
  static simulate::LoadResult OpenLoop(const InferenceServer& server,
                                       const std::vector<std::string>& requests, double rate,
                                       double seconds, std::size_t connections = 32) {
    return Poisson(server, requests, rate, seconds, connections).load;
  }
  static Measured Poisson(const InferenceServer& server, const std::vector<std::string>& requests,
                          double rate, double seconds, std::size_t connections = 32) {
    return Load(server, requests, connections,
                {.rate = rate,
                 .warmup = 0,
                 .window = static_cast<simulate::Nanos>(seconds * simulate::kNanosPerSecond),
                 .windows = 1,
                 .until_stable = false});
  }
  /// One to warm up, whose values are dropped, then kPairs.
  template <typename... Values>
  static void Pairs(const std::function<void()>& measure, Values&... values) {
    measure();
    (values.clear(), ...);
    for (int pair = 0; pair < kPairs; ++pair) {
      measure();
    }
  }
  void Value(const std::string& name, const std::vector<double>& values, const std::string& unit,
             bool higher_is_better, double bound = 0) {
    bars_.push_back({name, Median(values), unit, higher_is_better, bound, kPairs, Spread(values)});
    std::printf("%s: %.3f %s\n", name.c_str(), Median(values), unit.c_str());
    std::fflush(stdout);
  }

  std::string folder_;
  std::unique_ptr<serve::ModelRuntime> runtime_;
  std::vector<Model> models_;
  std::vector<Bar> bars_;
};

int Main(int argc, char** argv) {
  const std::vector<std::pair<std::string, void (Bench::*)()>> parts = {
      {"throughput", &Bench::Throughput}, {"cpu", &Bench::Cpu},
      {"batching", &Bench::Batching},     {"latency", &Bench::Latency},
      {"overload", &Bench::Overload},     {"publish", &Bench::Publish},
      {"cache", &Bench::Cache},           {"together", &Bench::Together}};
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  if (wanted.size() == 2 && wanted[0] == "graph") {
    std::ofstream file(wanted[1], std::ios::binary);
    file << SequenceGraph(12'000) << std::flush;
    return file.good() ? 0 : 1;
  }
  Bench bench;
  for (const auto& [name, run] : parts) {
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end()) {
      (bench.*run)();
    }
  }
  Report("inference", bench.bars());
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Main(argc, argv); }
