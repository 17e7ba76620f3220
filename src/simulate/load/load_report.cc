#include "simulate/load/load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simulate/load/time_text.h"

namespace vitrine::simulate {
namespace {

constexpr std::size_t kBarWidth = 48;

std::string Line(std::string_view name, std::string_view text) {
  return fmt::format("  {:<11} {}\n", name, text);
}

std::string OutcomesText(const OutcomeCounts& counts) {
  std::string text;
  const auto add = [&text](const std::string& what, std::uint64_t count) {
    if (count > 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
    }
  };
  for (std::size_t status = 0; status < counts.by_status.size(); ++status) {
    add(fmt::format("answered {}", status), counts.by_status[status]);
  }
  add("timed out", counts.timed_out - counts.unsent);
  add("timed out while they waited for a connection", counts.unsent);
  add("lost their connection or got none", counts.broken);
  add("got what is no answer of the protocol", counts.garbled);
  return text.empty() ? "nothing was due" : text;
}

std::string QuantilesText(const LoadWindow& window) {
  std::string text;
  for (const double q : {0.5, 0.9, 0.95, 0.99, 0.999}) {
    text += fmt::format("p{:g} {}, ", 100 * q, TimeText(window.Latency(q)));
  }
  return text + fmt::format("max {}, mean {}", TimeText(window.latency.max()),
                            TimeText(std::llround(window.latency.mean())));
}

std::string StabilityText(const LoadResult& result, const LoadOptions& options) {
  return fmt::format("{} of {}, the last {} {} within {:.0f} % in throughput and {} latency",
                     result.windows.size(), TimeText(options.window), options.stability.windows,
                     result.stable ? "agree" : "do NOT agree", 100 * options.stability.share,
                     options.stable_percentile == 0
                         ? std::string("mean")
                         : fmt::format("p{:g}", 100 * options.stable_percentile));
}

}  // namespace

std::string ReportText(const LoadResult& result, const LoadOptions& options) {
  const LoadWindow& total = result.total;
  std::string out;
  if (!result.spoiled.empty()) {
    out += Line("NOT VALID", result.spoiled);
  }
  out += Line("good", fmt::format("{:.1f} answers a second, {} in {:g} s", result.throughput(),
                                  total.counts.good, result.seconds));
  out += Line("ended as", OutcomesText(total.counts));
  if (result.warmup_failed > 0) {
    out += Line("warm-up", fmt::format("{} requests failed", result.warmup_failed));
  }
  if (result.spoiled.empty()) {
    out += Line("latency", QuantilesText(total));
    if (total.counts.refused > 0) {
      out +=
          Line("refused in",
               fmt::format("p50 {}, p99 {}, max {}", TimeText(total.refusal.Quantile(0.5)),
                           TimeText(total.refusal.Quantile(0.99)), TimeText(total.refusal.max())));
    }
  }
  if (options.rate > 0) {
    out += Line("waited", fmt::format("{} of {} for a free connection", total.waited, total.due));
    out += Line("lag", fmt::format("of the generator: p50 {}, p99 {}, max {}",
                                   TimeText(total.lag.Quantile(0.5)),
                                   TimeText(total.lag.Quantile(0.99)), TimeText(total.lag.max())));
  }
  return out + Line("windows", StabilityText(result, options));
}

std::string PlotText(const LatencyHistogram& latency, std::size_t rows) {
  if (latency.count() == 0 || rows == 0) {
    return "";
  }
  const auto low = static_cast<double>(std::max<Nanos>(latency.min(), 1));
  const auto high = static_cast<double>(latency.max() + 1);
  const double step = std::max(std::pow(high / low, 1.0 / static_cast<double>(rows)), 1 + 1e-9);
  std::vector<std::uint64_t> counts(rows);
  latency.ForEach([&](Nanos begin, Nanos /*end*/, std::uint64_t count) {
    const double place = std::log(std::max(static_cast<double>(begin), low) / low) / std::log(step);
    counts[std::min(static_cast<std::size_t>(place), rows - 1)] += count;
  });
  const std::uint64_t largest = *std::ranges::max_element(counts);
  std::string out;
  std::uint64_t seen = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    seen += counts[row];
    const std::size_t width =
        (counts[row] * kBarWidth + largest - 1) / largest;  // what is there is seen
    const double end = low * std::pow(step, static_cast<double>(row + 1));
    out += fmt::format("  {:>8} |{:<{}}| {:>8} {:>7.2f} %\n", TimeText(std::llround(end)),
                       std::string(width, '#'), kBarWidth, counts[row],
                       100 * static_cast<double>(seen) / static_cast<double>(latency.count()));
  }
  return out;
}

}  // namespace vitrine::simulate
