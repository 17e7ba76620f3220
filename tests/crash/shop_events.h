/// Random but reproducible rows of a shop, with every kind of event that states have to get right.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/event.h"

namespace vitrine::crash {

/// Threads: one; each writer has its own.
class ShopEvents {
 public:
  /// Event ids and users start with `prefix`: two writers with different ones share nothing.
  ShopEvents(std::string prefix, std::uint64_t seed);

  /// The next `count` rows, new ones only.
  std::vector<Event> Next(std::size_t count);
  std::size_t Below(std::size_t n) { return random_() % n; }

 private:
  Event Row();

  std::string prefix_;
  std::mt19937_64 random_;
  std::uint64_t made_ = 0;
};

}  // namespace vitrine::crash
