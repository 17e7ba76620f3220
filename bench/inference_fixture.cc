#include "bench/inference_fixture.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <stop_token>

#include "loop/child_process.h"
#include "simulate/load/arrivals.h"
#include "transport/http/client_wire.h"
#include "transport/http/load_target.h"
#include "transport/http/routes.h"

namespace vitrine::bench {
namespace {

using Clock = std::chrono::steady_clock;

double CpuSeconds(clockid_t clock) {
  timespec time{};
  CHECK(::clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
double ChildrensCpu() {
  rusage usage{};
  CHECK(::getrusage(RUSAGE_CHILDREN, &usage) == 0);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}
double OthersCpu() {
  return CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
}

serve::LoadModel Loader(serve::ModelRuntime& runtime, std::int64_t batch_rows) {
  return [&runtime, batch_rows](
             const std::string& version,
             const std::string& file) -> Result<std::shared_ptr<const serve::Servable>> {
    Manifest manifest;
    manifest.name = version.substr(0, version.rfind(':'));
    manifest.kind = ModelKind::kGraph;
    manifest.max_rows = 64;
    ASSIGN_OR_RETURN(auto graph, runtime.Load(file, {}));
    return serve::Servable::Make(version, std::move(manifest), std::move(graph), batch_rows);
  };
}

std::vector<std::vector<std::int64_t>> DrawIds(const Requests& requests) {
  std::mt19937 random(11);
  std::uniform_int_distribution<std::int64_t> draw(0, requests.values - 1);
  std::vector<std::vector<std::int64_t>> all(requests.bodies);
  for (auto& ids : all) {
    for (std::int64_t i = 0; i < requests.length; ++i) {
      ids.push_back(draw(random));
    }
  }
  return all;
}

std::vector<std::vector<Tensor>> DrawInputs(const Requests& requests) {
  std::vector<std::vector<Tensor>> inputs;
  for (const auto& ids : DrawIds(requests)) {
    inputs.emplace_back().push_back(
        Tensor::Of<std::int64_t>(requests.input, {1, requests.length}, ids));
  }
  return inputs;
}

/// Keeps a core as busy as a client kept it, as long as it lives.
class Neighbour {
 public:
  explicit Neighbour(double share)
      : thread_([share](const std::stop_token& over) {
          constexpr std::chrono::microseconds kPeriod{500};
          const auto busy = std::chrono::duration_cast<Clock::duration>(kPeriod * share);
          for (auto period = Clock::now(); !over.stop_requested(); period = Clock::now()) {
            while (Clock::now() - period < busy) {
            }
            std::this_thread::sleep_until(period + kPeriod);
          }
        }) {}

 private:
  std::jthread thread_;
};

double QuantileOf(std::vector<double>& times, std::size_t percent) {
  std::sort(times.begin(), times.end());
  return times[times.size() * percent / 100];
}

}  // namespace

InferenceServer::InferenceServer(const std::map<std::string, std::string>& files,
                                 serve::ModelRuntime& runtime,
                                 const serve::InferenceOptions& options, std::int64_t batch_rows)
    : models_(Loader(runtime, batch_rows)),
      inference_(models_, options),
      authorizer_(http::AuthMode::kOpen, nullptr) {
  for (const auto& [name, file] : files) {
    Publish(name, file, 1);
  }
  services_.inference = &inference_;
  router_ = std::make_unique<http::Router>(http::ApiRoutes(services_), authorizer_,
                                           http::RouterOptions{});
  http::ServerOptions listen;
  listen.io_threads = 1;
  auto server = http::Server::Start(std::move(listen), *router_);
  CHECK(server.ok());
  server_ = *std::move(server);
  endpoint_.port = server_->listeners().front().port;
  auto grpc_server = rpc::Server::Start({.threads = 1}, services_, authorizer_);
  CHECK(grpc_server.ok());
  grpc_ = *std::move(grpc_server);
}

void InferenceServer::Publish(const std::string& name, const std::string& file, int number) {
  const std::string version = fmt::format("{}:{}", name, number);
  desired_.folders[version] = file;
  if (number > 1) {
    desired_.folders.erase(fmt::format("{}:{}", name, number - 1));
  }
  models_.SetDesired(desired_);
  const Status loaded = models_.WaitUntilReached(After(std::chrono::seconds(60)));
  CHECK(loaded.ok());
}

std::vector<std::string> Render(const Requests& requests) {
  std::vector<std::string> rendered;
  for (const auto& ids : DrawIds(requests)) {
    const std::string head = fmt::format(R"({{"name":"{}","shape":[1,{}],"datatype":"INT64")",
                                         requests.input, requests.length);
    std::string parameters = fmt::format(R"("parameters":{{"timeout":{},"binary_data_output":{}}})",
                                         requests.timeout_us, requests.binary);
    std::string body;
    http::HeaderList headers;
    if (requests.binary) {
      body = fmt::format(R"({{"inputs":[{},"parameters":{{"binary_data_size":{}}}}}],{}}})", head,
                         ids.size() * sizeof(std::int64_t), parameters);
      headers = {{"Inference-Header-Content-Length", std::to_string(body.size())}};
      body.append(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(std::int64_t));
    } else {
      headers = {{"Content-Type", "application/json"}};
      body = fmt::format(R"({{"inputs":[{},"data":[{}]}}],{}}})", head, fmt::join(ids, ","),
                         parameters);
    }
    http::AppendRequest(
        {.method = "POST", .target = "/v2/models/" + requests.model + "/infer", .body = body}, {},
        "", headers, rendered.emplace_back());
  }
  return rendered;
}

double AskOnce(http::Client& client, const Requests& requests) {
  const std::string body =
      fmt::format(R"({{"inputs":[{{"name":"{}","shape":[1,{}],"datatype":"INT64","data":[{}]}}]}})",
                  requests.input, requests.length, fmt::join(DrawIds(requests).front(), ","));
  const Clock::time_point begin = Clock::now();
  const auto answer = client.Post("/v2/models/" + requests.model + "/infer", body);
  const std::chrono::duration<double> taken = Clock::now() - begin;
  CHECK(answer.ok() && answer->ok());
  return taken.count();
}

Measured Load(const InferenceServer& server, const std::vector<std::string>& requests,
              std::size_t connections, const simulate::LoadOptions& options) {
  const auto target =
      http::MakeLoadTarget(server.endpoint(), requests, {.connections = connections});
  CHECK(target.ok());
  const double before = OthersCpu();
  const double client = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
  const Clock::time_point begin = Clock::now();
  auto result = simulate::RunLoad(**target, options);
  CHECK(result.ok());
  const double spent = OthersCpu() - before;
  const std::chrono::duration<double> taken = Clock::now() - begin;
  const double share = (CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - client) / taken.count();
  const auto good = static_cast<double>(result->total.counts.good);
  return {.load = *std::move(result),
          .server_seconds = spent / std::max(good, 1.0),
          .client_share = share};
}

Measured ClosedLoop(const InferenceServer& server, const std::vector<std::string>& requests,
                    std::size_t concurrency, double seconds) {
  return Load(server, requests, concurrency,
              {.concurrency = concurrency,
               .warmup = 0,
               .window = static_cast<simulate::Nanos>(seconds * simulate::kNanosPerSecond),
               .windows = 1,
               .until_stable = false});
}

MeasuredApart GrpcClosedLoop(const InferenceServer& server, const Requests& requests,
                             std::size_t concurrency, double seconds) {
  const std::string bin =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().string();
  const std::string length = fmt::format("{:.0f}ms", seconds * 1e3);
  const loop::ChildCommand command{
      .program = bin + "/vitrine",
      .arguments = {"--json",
                    "--server",
                    fmt::format("http://127.0.0.1:{}", server.endpoint().port),
                    "bench",
                    "infer",
                    requests.model,
                    "--grpc",
                    server.grpc_address(),
                    "--shape",
                    fmt::format("{}:1,{}", requests.input, requests.length),
                    "--range",
                    fmt::format("0,{}", requests.values - 1),
                    "--concurrency",
                    std::to_string(concurrency),
                    "--warmup",
                    "0s",
                    "--window",
                    length,
                    "--duration",
                    length}};
  const double before = OthersCpu();
  const double client = ChildrensCpu();
  const auto outcome = loop::RunChild(command, {}, {});
  const double spent = OthersCpu() - before;
  CHECK(outcome.ok());
  const auto said = nlohmann::json::parse(outcome->output, nullptr, false);
  CHECK(said.is_object() && said["outcomes"]["failed"] == 0);
  return {.server_seconds = spent / said["outcomes"]["good"].get<double>(),
          .client_share = (ChildrensCpu() - client) / outcome->seconds};
}

Bare BareRuns(const serve::LoadedGraph& graph, const Requests& requests, double seconds,
              double client_share) {
  const auto inputs = DrawInputs(requests);
  const Neighbour neighbour(client_share);
  std::vector<Tensor> outputs;
  std::vector<double> times;
  const double cpu = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
  const Clock::time_point begin = Clock::now();
  Clock::time_point last = begin;
  while (std::chrono::duration<double>(last - begin).count() < seconds) {
    CHECK(graph.Run(inputs[times.size() % inputs.size()], outputs).ok());
    const Clock::time_point now = Clock::now();
    times.push_back(std::chrono::duration<double>(now - last).count());
    last = now;
  }
  const double spent = CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
  const auto runs = static_cast<double>(times.size());
  return {.per_second = runs / std::chrono::duration<double>(last - begin).count(),
          .seconds = spent / runs,
          .p99 = QuantileOf(times, 99)};
}

double BareQueueP99(const serve::LoadedGraph& graph, const Requests& requests, double rate,
                    double seconds, double client_share) {
  const auto inputs = DrawInputs(requests);
  const auto length = static_cast<simulate::Nanos>(seconds * simulate::kNanosPerSecond);
  const std::vector<simulate::Nanos> arrivals =
      simulate::DrawArrivals(rate, length, simulate::Spacing::kPoisson, 1);
  // As for the generator: a sleep that ends 50 us late would be the queue's own.
  ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  const Neighbour neighbour(client_share);
  std::vector<Tensor> outputs;
  std::vector<double> times;
  times.reserve(arrivals.size());
  const Clock::time_point begin = Clock::now();
  for (const simulate::Nanos arrival : arrivals) {
    const Clock::time_point due = begin + std::chrono::nanoseconds(arrival);
    std::this_thread::sleep_until(due);
    CHECK(graph.Run(inputs[times.size() % inputs.size()], outputs).ok());
    times.push_back(std::chrono::duration<double>(Clock::now() - due).count());
  }
  return QuantileOf(times, 99);
}

}  // namespace vitrine::bench
