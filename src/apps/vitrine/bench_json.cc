#include "apps/vitrine/bench_json.h"

#include <fmt/format.h>

namespace vitrine::apps {
namespace {

using nlohmann::json;
using simulate::LatencyHistogram;
using simulate::LoadWindow;
using simulate::Nanos;

json Micros(Nanos time) {
  return time == LatencyHistogram::kNever ? json() : json(static_cast<double>(time) * 1e-3);
}

json Outcomes(const simulate::OutcomeCounts& counts) {
  json by_status = json::object();
  for (std::size_t status = 0; status < counts.by_status.size(); ++status) {
    if (counts.by_status[status] > 0) {
      by_status[std::to_string(status)] = counts.by_status[status];
    }
  }
  return {{"good", counts.good},
          {"failed", counts.failed()},
          {"by_status", std::move(by_status)},
          {"timed_out", counts.timed_out},
          {"timed_out_unsent", counts.unsent},
          {"broken", counts.broken},
          {"garbled", counts.garbled}};
}

json Latencies(const LoadWindow& total) {
  json out = {{"mean", total.latency.mean() * 1e-3},
              {"min", Micros(total.latency.min())},
              {"max", Micros(total.latency.max())}};
  for (const double q : {0.5, 0.9, 0.95, 0.99, 0.999}) {
    out[fmt::format("p{:g}", q * 100)] = Micros(total.Latency(q));
  }
  return out;
}

}  // namespace

json LoadJson(const simulate::LoadResult& result, const simulate::LoadOptions& options) {
  const LoadWindow& total = result.total;
  const bool open = options.rate > 0;
  json windows = json::array();
  for (const simulate::WindowFigures& window : result.windows) {
    windows.push_back({{"throughput", window.throughput}, {"latency_us", window.latency * 1e6}});
  }
  json out = {{"loop", open ? "open" : "closed"},
              {"seed", options.seed},
              {"valid", result.spoiled.empty()},
              {"why", result.spoiled},
              {"stable", result.stable},
              {"seconds", result.seconds},
              {"due", total.due},
              {"throughput", result.throughput()},
              {"outcomes", Outcomes(total.counts)},
              {"warmup_failed", result.warmup_failed},
              {"latency_us", result.spoiled.empty() ? Latencies(total) : json()},
              {"windows", std::move(windows)}};
  if (total.counts.refused > 0 && result.spoiled.empty()) {
    out["refused_us"] = {{"p50", Micros(total.refusal.Quantile(0.5))},
                         {"p99", Micros(total.refusal.Quantile(0.99))},
                         {"max", Micros(total.refusal.max())}};
  }
  if (open) {
    out["rate"] = options.rate;
    out["spacing"] = options.spacing == simulate::Spacing::kPoisson ? "poisson" : "constant";
    out["waited"] = total.waited;
    out["lag_us"] = {{"p50", Micros(total.lag.Quantile(0.5))},
                     {"p99", Micros(total.lag.Quantile(0.99))},
                     {"max", Micros(total.lag.max())}};
  } else {
    out["concurrency"] = options.concurrency;
  }
  return out;
}

json CapacityJson(const simulate::CapacityResult& result, const simulate::LatencyBound& bound) {
  json levels = json::array();
  for (const simulate::CapacityLevel& level : result.levels) {
    levels.push_back({{"rate", level.rate},
                      {"throughput", level.throughput},
                      {"latency_us", level.spoiled.empty() ? Micros(level.latency) : json()},
                      {"failed", level.failed},
                      {"valid", level.spoiled.empty()},
                      {"why", level.spoiled},
                      {"holds", level.holds}});
  }
  return {{"bound", {{"percentile", bound.percentile * 100}, {"limit_us", Micros(bound.limit)}}},
          {"capacity", result.rate},
          {"fails_at", result.fails == 0 ? json() : json(result.fails)},
          {"valid", result.spoiled.empty() && result.rate > 0},
          {"why", result.spoiled},
          {"levels", std::move(levels)}};
}

json SplitJson(const http::InferenceSplit& split) {
  const auto mean = [&split](std::uint64_t sum) {
    return split.requests == 0
               ? json()
               : json(static_cast<double>(sum) / static_cast<double>(split.requests) * 1e-3);
  };
  return {{"requests", split.requests},
          {"failed", split.failed},
          {"mean_us",
           {{"total", mean(split.total)},
            {"queue", mean(split.queue)},
            {"input", mean(split.input)},
            {"infer", mean(split.infer)},
            {"output", mean(split.output)}}}};
}

}  // namespace vitrine::apps
