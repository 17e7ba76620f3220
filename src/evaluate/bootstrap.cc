#include "evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "evaluate/draws.h"

namespace vitrine::evaluate {

double SortedQuantile(std::span<const double> sorted, double q) {
  if (sorted.empty()) {
    return 0;
  }
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

std::vector<MetricValue> BootstrapMeans(std::span<const double> rows, std::size_t columns,
                                        const BootstrapOptions& options) {
  CHECK(columns > 0 && rows.size() % columns == 0);
  const std::size_t n = rows.size() / columns;
  std::vector<MetricValue> out(columns);
  if (n == 0) {
    return out;
  }
  std::vector<bool> zero(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = rows.subspan(i * columns, columns);
    zero[i] = std::all_of(row.begin(), row.end(), [](double v) { return v == 0; });
    for (std::size_t c = 0; c < columns; ++c) {
      out[c].mean += row[c];
    }
  }
  const auto resamples = static_cast<std::size_t>(std::max(options.resamples, 1));
  std::vector<std::vector<double>> means(columns, std::vector<double>(resamples));
  std::vector<double> sums(columns);
  Draws draws(options.seed);
  for (std::size_t b = 0; b < resamples; ++b) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t drawn = draws.Below(n);
      if (zero[drawn]) {
        continue;
      }
      const double* row = rows.data() + drawn * columns;
      for (std::size_t c = 0; c < columns; ++c) {
        sums[c] += row[c];
      }
    }
    for (std::size_t c = 0; c < columns; ++c) {
      means[c][b] = sums[c] / static_cast<double>(n);
    }
  }
  const double tail = (1 - options.confidence) / 2;
  for (std::size_t c = 0; c < columns; ++c) {
    std::sort(means[c].begin(), means[c].end());
    out[c].mean /= static_cast<double>(n);
    out[c].low = SortedQuantile(means[c], tail);
    out[c].high = SortedQuantile(means[c], 1 - tail);
  }
  return out;
}

}  // namespace vitrine::evaluate
