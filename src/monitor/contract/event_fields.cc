#include "monitor/contract/event_fields.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace vitrine::monitor {
namespace {

constexpr std::array<std::string_view, kEventFields> kNames = {
    "user_id",    "anonymous_id", "item_id", "price",      "quantity",
    "currency",   "order_id",     "scene",   "request_id", "query",
    "experiment", "seconds",      "rating",  "position",   "event"};

}  // namespace

std::string_view EventFieldName(EventField field) {
  return kNames[static_cast<std::size_t>(field)];
}

std::optional<EventField> ParseEventField(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<EventField>(found - kNames.begin());
}

bool IsNumber(EventField field) {
  return field == EventField::kPrice || field == EventField::kQuantity ||
         field == EventField::kSeconds || field == EventField::kRating ||
         field == EventField::kPosition;
}

bool IsId(EventField field) {
  return field == EventField::kUser || field == EventField::kAnonymous ||
         field == EventField::kItem || field == EventField::kOrder;
}

std::string_view TextOf(EventField field, const Event& event, const EventItem* item) {
  switch (field) {
    case EventField::kUser:
      return event.user_id;
    case EventField::kAnonymous:
      return event.anonymous_id;
    case EventField::kItem:
      return item == nullptr ? std::string_view() : std::string_view(item->item_id);
    case EventField::kCurrency:
      return event.currency;
    case EventField::kOrder:
      return event.order_id;
    case EventField::kScene:
      return event.scene;
    case EventField::kRequest:
      return event.request_id;
    case EventField::kQuery:
      return event.query;
    case EventField::kExperiment:
      return event.experiment;
    case EventField::kEvent:
      return EventName(event.type);
    default:
      return {};
  }
}

std::optional<double> NumberOf(EventField field, const Event& event, const EventItem* item) {
  const auto known = [](double value) {
    return value == 0 ? std::nullopt : std::optional<double>(value);
  };
  switch (field) {
    case EventField::kPrice:
      return item == nullptr ? std::nullopt : known(item->price);
    case EventField::kQuantity:
      return item == nullptr ? std::nullopt : known(item->quantity);
    case EventField::kPosition:
      return item == nullptr || item->position < 0 ? std::nullopt
                                                   : std::optional<double>(item->position);
    case EventField::kSeconds:
      return known(event.seconds);
    case EventField::kRating:
      return known(event.rating);
    default:
      return std::nullopt;
  }
}

bool IsMissing(EventField field, const Event& event, const EventItem* item) {
  return IsNumber(field) ? !NumberOf(field, event, item).has_value()
                         : TextOf(field, event, item).empty();
}

}  // namespace vitrine::monitor
