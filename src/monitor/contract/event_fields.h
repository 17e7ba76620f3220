/// The fields of an event's row that contract rules name. A field that its type leaves at "unknown"
/// (price 0, an empty text) is missing, as it is in the lake.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/event.h"

namespace vitrine::monitor {

enum class EventField : std::uint8_t {
  kUser,
  kAnonymous,
  kItem,
  kPrice,
  kQuantity,
  kCurrency,
  kOrder,
  kScene,
  kRequest,
  kQuery,
  kExperiment,
  kSeconds,
  kRating,
  kPosition,
  kEvent,  ///< the event's own name
};
inline constexpr std::size_t kEventFields = 15;

/// Its name, which is the lake's column too: "user_id".
std::string_view EventFieldName(EventField field);
std::optional<EventField> ParseEventField(std::string_view name);
bool IsNumber(EventField field);
bool IsId(EventField field);

/// `item` is null for an event without items.
std::string_view TextOf(EventField field, const Event& event, const EventItem* item);
/// None where it is missing, or no number.
std::optional<double> NumberOf(EventField field, const Event& event, const EventItem* item);
bool IsMissing(EventField field, const Event& event, const EventItem* item);

}  // namespace vitrine::monitor
