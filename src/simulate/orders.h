/// What follows a click later than the shop would like: purchases that wait for hours, and returns that come days after.
/// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "core/event.h"
#include "core/time.h"

namespace vitrine::simulate {

struct OrdersOptions {
  std::uint64_t seed = 1;
  double late = 0.4;       ///< share of purchases that wait
  double late_hours = 5;   ///< for so long, on average (exponential)
  double returned = 0.08;  ///< share of purchases that come back
  double return_days = 3;  ///< after so many days, on average (exponential), a day at least
};

class Orders {
 public:
  explicit Orders(const OrdersOptions& options) : options_(options), random_(options.seed) {}

  /// A purchase that somebody decided on at its `ts`: now or later it is an event, and perhaps a return after it.
  void Decided(Event purchase);
  /// Events whose time has come by `now`, oldest first; they are gone from here.
  std::vector<Event> Due(Micros now);
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  double Exponential(double mean);

  OrdersOptions options_;
  std::mt19937_64 random_;
  std::multimap<Micros, Event> waiting_;
};

}  // namespace vitrine::simulate
