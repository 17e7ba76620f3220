// The two text formats that a scraper may ask for.
// Source: Prometheus, "Exposition formats", text 0.0.4; OpenMetrics 1.0.0.
#include <array>

#include "core/metrics_family.h"

namespace vitrine {
namespace {

constexpr std::array<std::string_view, 3> kKinds = {"counter", "gauge", "histogram"};
constexpr std::array<std::string_view, 3> kUnits = {"seconds", "bytes", "ratio"};
constexpr std::string_view kTotal = "_total";

std::string_view KindName(int kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

/// Bounds as OpenMetrics wants them: "1.0", "0.25".
std::string FloatText(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) {
    text += ".0";
  }
  return text;
}

/// Line breaks would end the line that explains a metric.
std::string HelpText(std::string_view help, bool quotes) {
  std::string out;
  for (const char c : help) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

/// Of a bucket that has one: " # {trace_id="..."} value seconds".
std::string ExemplarText(const Exemplar& exemplar) {
  if (exemplar.trace == TraceId{}) {
    return {};
  }
  return fmt::format(" # {{trace_id=\"{}\"}} {} {}.{:06}", HexOf(exemplar.trace), exemplar.value,
                     exemplar.at.value / kMicrosPerSecond, exemplar.at.value % kMicrosPerSecond);
}

void WriteHistogram(const std::string& name, const std::string& labels, const Histogram& histogram,
                    bool open_metrics, std::string& out) {
  // First, so that every one of them is in the counts.
  std::vector<Exemplar> exemplars;
  if (open_metrics) {
    exemplars = histogram.Exemplars();
  }
  const Histogram::View view = histogram.Read();
  const std::string comma = labels.empty() ? "" : ",";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < view.counts.size(); ++i) {
    below += view.counts[i];
    std::string bound = "+Inf";
    if (i < view.upper_bounds.size()) {
      bound =
          open_metrics ? FloatText(view.upper_bounds[i]) : fmt::format("{}", view.upper_bounds[i]);
    }
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}{}\n", name, labels, comma, bound, below,
                       open_metrics ? ExemplarText(exemplars[i]) : std::string());
  }
  out += fmt::format("{} {}\n{} {}\n", WithLabels(name + "_sum", labels), view.sum,
                     WithLabels(name + "_count", labels), view.count);
}

}  // namespace

std::string MetricRegistry::WriteText() const {
  std::string out;
  ForEach([&out](const std::string& name, const Family& family) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, HelpText(family.help, false), name,
                       KindName(family.kind));
    WriteSamples(name, family, false, out);
  });
  return out;
}

std::string MetricRegistry::WriteOpenMetrics() const {
  std::string out;
  ForEach([&out](const std::string& name, const Family& family) {
    const std::string stem =
        family.kind == kCounter ? name.substr(0, name.size() - kTotal.size()) : name;
    out += fmt::format("# TYPE {} {}\n", stem, KindName(family.kind));
    for (const std::string_view unit : kUnits) {
      if (stem.ends_with(fmt::format("_{}", unit))) {
        out += fmt::format("# UNIT {} {}\n", stem, unit);
      }
    }
    out += fmt::format("# HELP {} {}\n", stem, HelpText(family.help, true));
    WriteSamples(name, family, true, out);
  });
  return out + "# EOF\n";
}

void MetricRegistry::WriteSamples(const std::string& name, const Family& family, bool open_metrics,
                                  std::string& out) {
  for (const auto& [labels, counter] : family.counters) {
    out += fmt::format("{} {}\n", WithLabels(name, labels), counter->Value());
  }
  for (const auto& [labels, gauge] : family.gauges) {
    out += fmt::format("{} {}\n", WithLabels(name, labels), gauge->Value());
  }
  for (const auto& [labels, read] : family.callbacks) {
    out += fmt::format("{} {}\n", WithLabels(name, labels), read());
  }
  for (const auto& [labels, histogram] : family.histograms) {
    WriteHistogram(name, labels, *histogram, open_metrics, out);
  }
}

}  // namespace vitrine
