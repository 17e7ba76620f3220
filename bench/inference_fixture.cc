#include "bench/inference_fixture.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <random>

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

Bare BareRuns(const serve::LoadedGraph& graph, const Requests& requests, double seconds,
              double client_share) {
  std::vector<std::vector<Tensor>> inputs;
  for (const auto& ids : DrawIds(requests)) {
    inputs.emplace_back().push_back(
        Tensor::Of<std::int64_t>(requests.input, {1, requests.length}, ids));
  }
  std::atomic<bool> over{false};
  std::jthread neighbour([&over, client_share] {
    constexpr std::chrono::microseconds kPeriod{500};
    const auto busy = std::chrono::duration_cast<Clock::duration>(kPeriod * client_share);
    for (Clock::time_point period = Clock::now(); !over; period = Clock::now()) {
      while (Clock::now() - period < busy) {
      }
      std::this_thread::sleep_until(period + kPeriod);
    }
  });
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
  over = true;
  const auto runs = static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  return {.per_second = runs / std::chrono::duration<double>(last - begin).count(),
          .seconds = spent / runs,
          .p99 = times[times.size() * 99 / 100]};
}

}  // namespace vitrine::bench
