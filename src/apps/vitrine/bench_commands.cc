// vitrine bench infer|recommend|request.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/bench_json.h"
#include "apps/vitrine/bench_requests.h"
#include "apps/vitrine/command_line.h"
#include "core/exit_code.h"
#include "simulate/load/capacity_run.h"
#include "simulate/load/load_report.h"
#include "simulate/load/time_text.h"
#include "transport/grpc/load_target.h"
#include "transport/http/client_socket.h"
#include "transport/http/inference_load.h"
#include "transport/http/load_target.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;
using simulate::LoadOptions;
using simulate::Nanos;

/// A level of a capacity search lasts no longer than these windows.
constexpr std::size_t kLevelWindows = 5;

struct BenchFlags {
  double rate = 0;
  std::size_t concurrency = 1;
  std::string capacity;
  double resolution = 0.05;
  bool constant = false;
  std::string duration;
  std::string window;
  std::string warmup = "1s";
  std::string timeout = "10s";
  std::string spin = "0s";
  std::size_t connections = 32;
  std::uint64_t seed = 1;
  double percentile = 0;
  InferFlags infer;
  RecommendFlags recommend;
  RequestFlags request;
};

/// What is measured, when the flags have been read and the server has been asked.
struct Bench {
  const CommandLine& line;
  const BenchFlags& flags;
  ServerAddress server;
  ApiSession session;
  BenchRequests requests;
  LoadOptions options;
};

Result<LoadOptions> OptionsOf(const BenchFlags& flags) {
  LoadOptions options;
  options.rate = flags.rate;
  options.concurrency = flags.concurrency;
  options.spacing = flags.constant ? simulate::Spacing::kConstant : simulate::Spacing::kPoisson;
  options.seed = flags.seed;
  options.stable_percentile = flags.percentile / 100;
  ASSIGN_OR_RETURN(options.warmup, simulate::ParseTime(flags.warmup));
  ASSIGN_OR_RETURN(options.timeout, simulate::ParseTime(flags.timeout));
  if (!flags.capacity.empty()) {
    options.windows = kLevelWindows;
  }
  if (!flags.window.empty()) {
    ASSIGN_OR_RETURN(options.window, simulate::ParseTime(flags.window));
  }
  if (!flags.duration.empty()) {
    ASSIGN_OR_RETURN(const Nanos duration, simulate::ParseTime(flags.duration));
    if (flags.window.empty()) {
      options.window = std::min(options.window, duration / 3);
    }
    if (options.window <= 0 || duration < options.window) {
      return InvalidArgument("the duration must hold one window at least");
    }
    options.windows = static_cast<std::size_t>(duration / options.window);
    options.until_stable = false;
  }
  return options;
}

/// Where the load goes.
std::string TargetName(const Bench& bench) {
  return bench.requests.grpc_address.empty() ? http::EndpointName(bench.server.endpoint)
                                             : bench.requests.grpc_address;
}

std::string LoadText(const Bench& bench) {
  const std::string place = fmt::format("{} on {}", bench.requests.name, TargetName(bench));
  const LoadOptions& options = bench.options;
  return options.rate > 0
             ? fmt::format(
                   "{}\nopen loop: {:g} requests a second, {}, seed {}, {} {}\n", place,
                   options.rate,
                   options.spacing == simulate::Spacing::kPoisson ? "Poisson" : "evenly spaced",
                   options.seed, bench.flags.connections,
                   bench.requests.grpc_address.empty() ? "connections" : "calls at once at most")
             : fmt::format("{}\nclosed loop: {} outstanding\n", place, options.concurrency);
}

/// The server's own account; none where it keeps none.
Result<std::optional<http::InferenceSplit>> AskSplit(Bench& bench) {
  if (bench.requests.stats_target.empty()) {
    return std::optional<http::InferenceSplit>();
  }
  const Result<std::string> text = bench.session.Get(bench.requests.stats_target);
  if (text.status().code() ==
      Code::kNotFound) {  // a server of the protocol alone has no statistics
    return std::optional<http::InferenceSplit>();
  }
  RETURN_IF_ERROR(text.status());
  ASSIGN_OR_RETURN(const http::InferenceSplit split, http::ReadInferenceSplit(*text));
  return std::optional(split);
}

std::string SplitText(const http::InferenceSplit& split) {
  if (split.requests == 0) {
    return "";
  }
  const auto mean = [&split](std::uint64_t sum) {
    return simulate::TimeText(static_cast<Nanos>(sum / split.requests));
  };
  return fmt::format(
      "  {:<11} queue {}, input {}, infer {}, output {}, all {}: means of {} requests, warm-up "
      "included\n",
      "server", mean(split.queue), mean(split.input), mean(split.infer), mean(split.output),
      mean(split.total), split.requests);
}

Status MeasureOnce(Bench& bench, simulate::LoadTarget& target) {
  ASSIGN_OR_RETURN(const auto before, AskSplit(bench));
  ASSIGN_OR_RETURN(const simulate::LoadResult result,
                   simulate::RunLoad(target, bench.options, StopOnSignals()));
  ASSIGN_OR_RETURN(const auto after, AskSplit(bench));
  const bool split = before && after;
  bench.line.outcome = result.spoiled.empty() ? kExitOk : kExitFailure;
  if (bench.line.json) {
    json out = LoadJson(result, bench.options);
    out["request"] = bench.requests.name;
    out["target"] = TargetName(bench);
    if (split) {
      out["server"] = SplitJson(after->Since(*before));
    }
    Print(out.dump());
    return Status::Ok();
  }
  Print(LoadText(bench) + simulate::ReportText(result, bench.options) +
        (split ? SplitText(after->Since(*before)) : "") +
        (result.spoiled.empty() ? "\n" + simulate::PlotText(result.total.latency) : ""));
  return Status::Ok();
}

Status MeasureCapacity(Bench& bench, const simulate::LatencyBound& bound,
                       simulate::LoadTarget& target) {
  const auto say = [&bound](const simulate::CapacityLevel& level) {
    Say(fmt::format("  {:>9.1f} a second  p{:g} {:<9} {} failed  {}", level.rate,
                    bound.percentile * 100, simulate::TimeText(level.latency), level.failed,
                    level.holds             ? "holds"
                    : level.spoiled.empty() ? "does not hold"
                                            : level.spoiled));
  };
  ASSIGN_OR_RETURN(const auto result, simulate::FindCapacity(target, bench.options, bound,
                                                             {.resolution = bench.flags.resolution},
                                                             StopOnSignals(), say));
  const bool valid = result.spoiled.empty() && result.rate > 0;
  bench.line.outcome = valid ? kExitOk : kExitFailure;
  if (bench.line.json) {
    json out = CapacityJson(result, bound);
    out["request"] = bench.requests.name;
    out["target"] = TargetName(bench);
    Print(out.dump());
    return Status::Ok();
  }
  std::string text = fmt::format("{} on {}\n{}: ", bench.requests.name, TargetName(bench),
                                 simulate::BoundText(bound));
  text += result.rate == 0 ? std::string("at no rate that was tried")
                           : fmt::format("up to {:.1f} a second", result.rate);
  text += result.fails == 0 ? std::string() : fmt::format(", not at {:.1f}", result.fails);
  Print(text + (result.spoiled.empty() ? "" : "\nNOT VALID: " + result.spoiled));
  return Status::Ok();
}

Result<std::unique_ptr<simulate::LoadTarget>> MakeTarget(Bench& bench, std::size_t outstanding,
                                                         Nanos spin) {
  if (!bench.requests.grpc_address.empty()) {
    return rpc::MakeLoadTarget(
        bench.requests.grpc_address, bench.requests.wire,
        {.calls = outstanding, .api_key = bench.server.api_key, .spin = spin});
  }
  return http::MakeLoadTarget(
      bench.server.endpoint, std::move(bench.requests.wire),
      {.connections = outstanding, .head_requests = bench.requests.head, .spin = spin});
}

template <typename Make>
Status Measure(const CommandLine& line, const BenchFlags& flags, const Make& make) {
  ASSIGN_OR_RETURN(const LoadOptions options, OptionsOf(flags));
  ASSIGN_OR_RETURN(const Nanos spin, simulate::ParseTime(flags.spin));
  std::optional<simulate::LatencyBound> bound;
  if (!flags.capacity.empty()) {
    ASSIGN_OR_RETURN(bound, simulate::ParseLatencyBound(flags.capacity));
  }
  ASSIGN_OR_RETURN(ServerAddress server, FindServer(line));
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(BenchRequests requests, make(flags, server, session));
  Bench bench{.line = line,
              .flags = flags,
              .server = std::move(server),
              .session = std::move(session),
              .requests = std::move(requests),
              .options = options};
  const bool closed = options.rate == 0 && !bound;
  ASSIGN_OR_RETURN(const auto target,
                   MakeTarget(bench, closed ? options.concurrency : flags.connections, spin));
  return bound ? MeasureCapacity(bench, *bound, *target) : MeasureOnce(bench, *target);
}

void AddLoadOptions(CLI::App* verb, BenchFlags& flags) {
  auto* rate = verb->add_option("--rate", flags.rate, "Open loop: requests a second")
                   ->check(CLI::PositiveNumber);
  auto* concurrency =
      verb->add_option("--concurrency", flags.concurrency, "Closed loop: requests outstanding")
          ->check(CLI::Range(1, 10'000))
          ->capture_default_str();
  verb->add_option("--capacity", flags.capacity,
                   "The highest rate that keeps a bound such as 'p99<=7ms'; --rate begins there");
  rate->excludes(concurrency);
  verb->add_option("--resolution", flags.resolution, "Of --capacity: a share of the rate")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  verb->add_flag("--constant", flags.constant, "Even spacing instead of Poisson arrivals");
  verb->add_option("--duration", flags.duration,
                   "Measure this long; default: until three windows agree, ten at most");
  verb->add_option("--window", flags.window,
                   "Length of a window; default: 2s, or a third of a shorter duration");
  verb->add_option("--warmup", flags.warmup, "Load before the first window")->capture_default_str();
  verb->add_option("--timeout", flags.timeout, "For one request, from when it was due")
      ->capture_default_str();
  verb->add_option("--connections", flags.connections,
                   "Of an open loop, at most; over gRPC: calls at once, 16 to a connection")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb->add_option("--seed", flags.seed, "Arrivals and made-up requests follow from it")
      ->capture_default_str();
  verb->add_option("--percentile", flags.percentile,
                   "Latency in which windows must agree, such as 99; default: the mean")
      ->check(CLI::Range(0.1, 100.0));
  verb->add_option("--spin", flags.spin,
                   "Ask the clock this long before an arrival instead of sleeping; 60us where a "
                   "core is free for it")
      ->capture_default_str();
}

template <typename Make>
CLI::App* AddVerb(CLI::App* bench, const char* name, const char* what, CommandLine& line,
                  const std::shared_ptr<BenchFlags>& flags, Make make) {
  CLI::App* verb = bench->add_subcommand(name, what);
  AddLoadOptions(verb, *flags);
  verb->callback([flags, make, &line] {
    line.run = [flags, make, &line] { return Measure(line, *flags, make); };
  });
  return verb;
}

}  // namespace

void AddBenchCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* bench =
      app.add_subcommand("bench", "Load on a server that runs: latency, throughput, capacity");
  bench->require_subcommand(1);
  CLI::App* infer =
      AddVerb(bench, "infer", "A model's tensors at /v2, with made-up inputs", line, flags,
              [](const BenchFlags& f, const ServerAddress& server, ApiSession& session) {
                return MakeInfer(f.infer, f.seed, server, session);
              });
  infer->add_option("name", flags->infer.model, "Name of the model")->required();
  infer->add_option("--version", flags->infer.version, "Its number; default: the server's choice")
      ->check(CLI::PositiveNumber);
  infer->add_option("--shape", flags->infer.shapes,
                    "INPUT:1,50; may stand several times; free sizes are 1");
  infer->add_flag("--binary", flags->infer.binary, "Raw tensors both ways instead of JSON");
  infer->add_option("--grpc", flags->infer.grpc,
                    "HOST:PORT: the load goes over gRPC, tensors always raw; metadata and account "
                    "still come over HTTP");
  infer->add_option("--range", flags->infer.range, "Values are drawn from LOW,HIGH")
      ->expected(2)
      ->delimiter(',')
      ->capture_default_str();
  infer->add_option("--bodies", flags->infer.bodies, "File of JSON bodies to send, one a line");
  CLI::App* recommend =
      AddVerb(bench, "recommend", "POST /v1/recommend", line, flags,
              [](const BenchFlags& f, const ServerAddress& server, ApiSession& session) {
                return MakeRecommend(f.recommend, f.seed, server, session);
              });
  recommend->add_option("--scene", flags->recommend.scene, "Scene of every request");
  recommend->add_option("--n", flags->recommend.n, "Items of an answer, where bodies are made up")
      ->capture_default_str();
  recommend->add_option("--bodies", flags->recommend.bodies,
                        "File of JSON bodies to send, one a line; default: histories made up from "
                        "the catalogue");
  CLI::App* request =
      AddVerb(bench, "request", "Any route", line, flags,
              [](const BenchFlags& f, const ServerAddress& server, ApiSession& /*session*/) {
                return MakeRequest(f.request, server);
              });
  request->add_option("method", flags->request.method, "GET, POST, ...")->required();
  request->add_option("path", flags->request.target, "Path and query")->required();
  request->add_option("--bodies", flags->request.bodies, "File of JSON bodies to send, one a line");
}

}  // namespace vitrine::apps
