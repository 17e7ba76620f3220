#include "evaluate/catalogue_metrics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check.h"

namespace vitrine::evaluate {

double Coverage(std::span<const std::uint64_t> shown) {
  if (shown.empty()) {
    return 0;
  }
  const auto covered =
      std::count_if(shown.begin(), shown.end(), [](std::uint64_t n) { return n > 0; });
  return static_cast<double>(covered) / static_cast<double>(shown.size());
}

double Gini(std::span<const std::uint64_t> shown) {
  std::vector<std::uint64_t> rising(shown.begin(), shown.end());
  std::sort(rising.begin(), rising.end());
  const auto n = static_cast<double>(rising.size());
  double weighted = 0;
  double sum = 0;
  for (std::size_t i = 0; i < rising.size(); ++i) {
    const auto x = static_cast<double>(rising[i]);
    weighted += (2 * static_cast<double>(i + 1) - n - 1) * x;
    sum += x;
  }
  return sum == 0 ? 0 : weighted / (n * sum);
}

double Novelty(std::span<const std::uint64_t> shown, std::span<const std::uint64_t> known,
               std::uint64_t users) {
  CHECK(shown.size() == known.size());
  const double all = static_cast<double>(users) + 1;
  double bits = 0;
  double sum = 0;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i] == 0) {
      continue;
    }
    const auto times = static_cast<double>(shown[i]);
    bits -= times * std::log2((static_cast<double>(known[i]) + 1) / all);
    sum += times;
  }
  return sum == 0 ? 0 : bits / sum;
}

}  // namespace vitrine::evaluate
