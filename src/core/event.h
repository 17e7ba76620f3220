/// The words of the shop's log: one Event per thing a shopper (or the shop) did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace vitrine {

/// Persisted as these numbers in the event log: append only, never change one.
enum class EventType : std::uint8_t {
  kImpression = 0,
  kClick = 1,
  kView = 2,
  kSearch = 3,
  kCart = 4,
  kFavourite = 5,
  kPurchase = 6,
  kReturn = 7,  ///< reverses a purchase, found by order_id and item
  kRating = 8,
  kLike = 9,
  kShare = 10,
  kDwell = 11,     ///< `seconds` on the item
  kHide = 12,      ///< the user does not want this item
  kIdentify = 13,  ///< from here on anonymous_id is user_id
};
inline constexpr int kEventTypes = 14;

/// The canonical name ("purchase").
std::string_view EventName(EventType type);
/// The type of a canonical name; none for an unknown one.
std::optional<EventType> ParseEventType(std::string_view name);
/// True where an event of this type must name at least one item.
bool NeedsItem(EventType type);

/// Limits of what is taken in (bytes of UTF-8, counts).
inline constexpr std::size_t kMaxIdBytes = 128;
inline constexpr std::size_t kMaxItemsPerEvent = 200;

/// One line of an event's items: a purchase of three things has three.
struct EventItem {
  std::string item_id;
  std::int32_t position = -1;  ///< 0-based place in the list that was shown; -1 unknown
  double quantity = 1;
  double price = 0;  ///< per piece, in `currency`; 0 unknown
  friend bool operator==(const EventItem&, const EventItem&) = default;
};

struct Event {
  std::string event_id;  ///< what makes a retry count once; made where the source has none
  EventType type = EventType::kView;
  std::string user_id;  ///< empty where only anonymous_id is known
  std::string anonymous_id;
  std::vector<EventItem> items;
  Micros ts;
  std::string request_id;  ///< the answer that led to this event
  std::string scene;
  std::string query;
  std::string order_id;
  std::string currency;
  std::string experiment;
  double seconds = 0;  ///< dwell
  double rating = 0;
  std::string replaces;  ///< event_id of an earlier event that this one replaces
  friend bool operator==(const Event&, const Event&) = default;

  /// Who acted, as state and training know them: user_id, else anonymous_id.
  [[nodiscard]] std::string_view subject() const {
    return user_id.empty() ? std::string_view(anonymous_id) : std::string_view(user_id);
  }
};

}  // namespace vitrine
