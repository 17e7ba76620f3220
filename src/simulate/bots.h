/// Robots that want a few products to look popular.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/event.h"
#include "core/time.h"
#include "simulate/shop.h"

namespace vitrine::simulate {

struct Bots {
  std::size_t count = 6;
  std::size_t views_per_hour = 1500;  ///< of each
  std::vector<std::size_t> pushed;    ///< products they view; one at least
};

/// What they do between two moments, oldest first: views under user ids "sim-bot-0", ..., each after the other.
std::vector<Event> BotViews(const Shop& shop, const Bots& bots, Micros from, Micros to);

}  // namespace vitrine::simulate
