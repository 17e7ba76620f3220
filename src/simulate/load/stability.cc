#include "simulate/load/stability.h"

#include <algorithm>

namespace vitrine::simulate {

bool Stable(std::span<const WindowFigures> all, const StabilityRule& rule) {
  if (rule.windows == 0 || all.size() < rule.windows) {
    return false;
  }
  const auto last = all.last(rule.windows);
  const auto agree = [&](double WindowFigures::* figure) {
    const auto [low, high] = std::ranges::minmax(last, {}, figure);
    return low.*figure > 0 && high.*figure <= low.*figure * (1 + rule.share);
  };
  return agree(&WindowFigures::throughput) && agree(&WindowFigures::latency);
}

}  // namespace vitrine::simulate
