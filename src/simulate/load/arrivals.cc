#include "simulate/load/arrivals.h"

#include <cmath>
#include <random>

#include "core/check.h"
#include "simulate/shop.h"

namespace vitrine::simulate {

std::vector<Nanos> DrawArrivals(double per_second, Nanos length, Spacing spacing,
                                std::uint64_t seed) {
  CHECK(per_second > 0);
  const double gap = static_cast<double>(kNanosPerSecond) / per_second;
  const auto end = static_cast<double>(length);
  std::vector<Nanos> arrivals;
  arrivals.reserve(static_cast<std::size_t>(end / gap * 1.02) + 100);
  std::mt19937_64 random(seed);
  for (std::uint64_t i = 0;; ++i) {
    double at = static_cast<double>(i) * gap;
    if (spacing == Spacing::kPoisson) {
      const double before = arrivals.empty() ? 0 : static_cast<double>(arrivals.back());
      at = before - gap * std::log1p(-Uniform(random));
    }
    if (at >= end) {
      return arrivals;
    }
    arrivals.push_back(static_cast<Nanos>(at));
  }
}

}  // namespace vitrine::simulate
