#include "monitor/statistics/distances.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace vitrine::monitor {
namespace {

double Sum(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) {
    sum += v;
  }
  return sum;
}

/// Sum of f(reference share, current share) over the bins; 0 where either list is empty.
template <typename F>
double Over(std::span<const double> reference, std::span<const double> current, F&& f) {
  CHECK(reference.size() == current.size());
  const double r_sum = Sum(reference);
  const double c_sum = Sum(current);
  if (r_sum == 0 || c_sum == 0) {
    return 0;
  }
  double sum = 0;
  for (std::size_t b = 0; b < reference.size(); ++b) {
    sum += f(reference[b] / r_sum, current[b] / c_sum);
  }
  return sum;
}

double Filled(double share, double empty_share) { return share > 0 ? share : empty_share; }

/// x ln(x / y), 0 at x = 0.
double Term(double x, double y) { return x > 0 ? x * std::log(x / y) : 0; }

}  // namespace

double Psi(std::span<const double> reference, std::span<const double> current, double empty_share) {
  return Over(reference, current, [&](double r, double c) {
    const double x = Filled(r, empty_share);
    const double y = Filled(c, empty_share);
    return (y - x) * std::log(y / x);
  });
}

double KullbackLeibler(std::span<const double> reference, std::span<const double> current,
                       double empty_share) {
  return Over(reference, current, [&](double r, double c) {
    return Term(Filled(r, empty_share), Filled(c, empty_share));
  });
}

double JensenShannon(std::span<const double> reference, std::span<const double> current) {
  return std::max(0.0, Over(reference, current, [](double r, double c) {
                    const double middle = (r + c) / 2;
                    return (Term(r, middle) + Term(c, middle)) / 2;
                  }));
}

double JensenShannonDistance(std::span<const double> reference, std::span<const double> current) {
  return std::sqrt(JensenShannon(reference, current) / std::log(2.0));
}

double Hellinger(std::span<const double> reference, std::span<const double> current) {
  const double squares = Over(reference, current, [](double r, double c) {
    const double difference = std::sqrt(r) - std::sqrt(c);
    return difference * difference;
  });
  return std::sqrt(squares / 2);
}

double TotalVariation(std::span<const double> reference, std::span<const double> current) {
  return Over(reference, current, [](double r, double c) { return std::abs(r - c); }) / 2;
}

double LInfinity(std::span<const double> reference, std::span<const double> current) {
  double largest = 0;
  Over(reference, current, [&](double r, double c) {
    largest = std::max(largest, std::abs(r - c));
    return 0.0;
  });
  return largest;
}

double BinnedKs(std::span<const double> reference, std::span<const double> current) {
  double running = 0;
  double largest = 0;
  Over(reference, current, [&](double r, double c) {
    running += c - r;
    largest = std::max(largest, std::abs(running));
    return 0.0;
  });
  return largest;
}

double BinnedWasserstein(std::span<const double> reference, std::span<const double> current,
                         std::span<const double> places) {
  CHECK(places.size() == reference.size());
  double running = 0;
  std::size_t bin = 0;
  return Over(reference, current, [&](double r, double c) {
    running += c - r;
    const double width = bin + 1 < places.size() ? places[bin + 1] - places[bin] : 0;
    ++bin;
    return std::abs(running) * width;
  });
}

}  // namespace vitrine::monitor
