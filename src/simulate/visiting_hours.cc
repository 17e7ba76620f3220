#include "simulate/visiting_hours.h"

#include <array>
#include <cstddef>

namespace vitrine::simulate {
namespace {

constexpr std::array<double, 24> kHours = {0.6, 0.35, 0.22, 0.2, 0.2, 0.25, 0.4, 0.6,
                                           0.8, 1.0,  1.1,  1.1, 1.2, 1.2,  1.1, 1.1,
                                           1.1, 1.2,  1.4,  1.7, 2.0, 2.0,  1.6, 1.1};
// From Thursday, the weekday of 1970-01-01.
constexpr std::array<double, 7> kDays = {0.95, 1.0, 1.15, 1.15, 0.9, 0.9, 0.95};

template <std::size_t N>
constexpr double Mean(const std::array<double, N>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(N);
}

constexpr std::int64_t kMicrosPerHour = 3600 * kMicrosPerSecond;

}  // namespace

double VisitsAt(Micros time) {
  const auto hour = static_cast<std::size_t>(time.value / kMicrosPerHour % 24);
  const auto day = static_cast<std::size_t>(time.value / kMicrosPerDay % 7);
  return kHours.at(hour) / Mean(kHours) * kDays.at(day) / Mean(kDays);
}

}  // namespace vitrine::simulate
