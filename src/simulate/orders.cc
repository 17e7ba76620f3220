#include "simulate/orders.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "simulate/shop.h"

namespace vitrine::simulate {
namespace {

constexpr double kMicrosPerHour = 3600.0 * kMicrosPerSecond;

}  // namespace

double Orders::Exponential(double mean) { return -mean * std::log(1 - Uniform(random_)); }

void Orders::Decided(Event purchase) {
  if (Uniform(random_) < options_.late) {
    purchase.ts.value +=
        static_cast<std::int64_t>(Exponential(options_.late_hours) * kMicrosPerHour);
  }
  if (Uniform(random_) < options_.returned) {
    Event back = purchase;
    back.type = EventType::kReturn;
    back.event_id += "-back";
    back.ts.value += static_cast<std::int64_t>(std::max(1.0, Exponential(options_.return_days)) *
                                               static_cast<double>(kMicrosPerDay));
    waiting_.emplace(back.ts, std::move(back));
  }
  const Micros at = purchase.ts;
  waiting_.emplace(at, std::move(purchase));
}

std::vector<Event> Orders::Due(Micros now) {
  std::vector<Event> due;
  const auto end = waiting_.upper_bound(now);
  for (auto at = waiting_.begin(); at != end; ++at) {
    due.push_back(std::move(at->second));
  }
  waiting_.erase(waiting_.begin(), end);
  return due;
}

}  // namespace vitrine::simulate
