#include "shop_events.h"

#include <utility>

namespace vitrine::crash {
namespace {
constexpr std::uint64_t kUsers = 300;  // so that no state reaches its limit
}  // namespace

ShopEvents::ShopEvents(std::string prefix, std::uint64_t seed)
    : prefix_(std::move(prefix)), random_(seed) {}

std::vector<Event> ShopEvents::Next(std::size_t count) {
  std::vector<Event> rows(count);
  for (Event& row : rows) {
    row = Row();
  }
  return rows;
}

Event ShopEvents::Row() {
  Event event;
  event.event_id = prefix_ + "e" + std::to_string(made_);
  event.ts = {1'700'000'000'000'000 + static_cast<std::int64_t>(made_) * kMicrosPerSecond};
  event.type = static_cast<EventType>(random_() % kEventTypes);
  const std::string who = std::to_string(random_() % kUsers);
  event.anonymous_id = prefix_ + "a" + who;
  if (event.type == EventType::kIdentify || random_() % 3 != 0) {
    event.user_id = prefix_ + "u" + who;
  }
  for (std::uint64_t i = NeedsItem(event.type) ? 1 + random_() % 3 : 0; i > 0; --i) {
    event.items.push_back({"item" + std::to_string(random_() % 500), -1, 1, 0});
  }
  if (random_() % 2 == 0) {
    event.order_id = "o" + who;
  }
  if (made_ > 10 && random_() % 12 == 0) {
    event.replaces = prefix_ + "e" + std::to_string(made_ - 1 - random_() % 10);
  }
  ++made_;
  return event;
}

}  // namespace vitrine::crash
