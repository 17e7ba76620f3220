#include "core/event.h"

#include <array>

namespace vitrine {
namespace {
constexpr std::array<std::string_view, kEventTypes> kNames = {
    "impression", "click",  "view", "search", "cart",  "favourite", "purchase",
    "return",     "rating", "like", "share",  "dwell", "hide",      "identify"};
}  // namespace

std::string_view EventName(EventType type) { return kNames.at(static_cast<std::size_t>(type)); }

std::optional<EventType> ParseEventType(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<EventType>(i);
    }
  }
  return std::nullopt;
}

bool NeedsItem(EventType type) {
  return type != EventType::kSearch && type != EventType::kIdentify;
}

}  // namespace vitrine
