#include "simulate/bots.h"

#include <fmt/format.h>

#include "core/check.h"

namespace vitrine::simulate {

std::vector<Event> BotViews(const Shop& shop, const Bots& bots, Micros from, Micros to) {
  CHECK(!bots.pushed.empty() && bots.count > 0 && bots.views_per_hour > 0);
  const std::int64_t each =
      3600 * kMicrosPerSecond / static_cast<std::int64_t>(bots.count * bots.views_per_hour);
  std::vector<Event> events;
  // Counted from the beginning of time, so that stretches join without a gap.
  for (std::int64_t view = (from.value + each - 1) / each; view * each < to.value; ++view) {
    const auto number = static_cast<std::size_t>(view);
    const Item& item = shop.products()[bots.pushed[number / bots.count % bots.pushed.size()]].item;
    events.push_back({.event_id = fmt::format("sim-bot-view-{}", view),
                      .type = EventType::kView,
                      .user_id = fmt::format("sim-bot-{}", number % bots.count),
                      .items = {{.item_id = item.id, .price = item.price}},
                      .ts = {view * each},
                      .scene = "item",
                      .currency = "CNY"});
  }
  return events;
}

}  // namespace vitrine::simulate
