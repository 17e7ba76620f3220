#include "simulate/load/time_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "simulate/load/latency_histogram.h"

namespace vitrine::simulate {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
    {{"", 1e9}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}}};

}  // namespace

std::string TimeText(Nanos time) {
  if (time == LatencyHistogram::kNever) {
    return "never";
  }
  const auto ns = static_cast<double>(time);
  if (ns < 1e6) {
    return fmt::format("{:.0f} us", ns * 1e-3);
  }
  return ns < 1e9 ? fmt::format("{:.3g} ms", ns * 1e-6) : fmt::format("{:.3g} s", ns * 1e-9);
}

Result<Nanos> ParseTime(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  for (const auto& [unit, nanos] : kUnits) {
    if (error == std::errc() && std::string_view(at, end) == unit && value >= 0 &&
        value * nanos < 1e15) {
      return std::llround(value * nanos);
    }
  }
  return InvalidArgument(fmt::format("'{}' is no time; write it as 500us, 7ms, 1.5s or 2m", text));
}

}  // namespace vitrine::simulate
