/// Whether one row may enter the log. Every way in (HTTP, gRPC, files, streams) asks here: a
/// row is refused with the same code everywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/catalogue.h"
#include "core/event.h"
#include "core/time.h"

namespace vitrine::data {

/// Why a row was refused: a stable code for programs, a sentence for people.
struct Rejection {
  std::string_view code;  ///< one of kRejectionCodes; static storage
  std::string message;
};

/// Every code there is. Stable: clients branch on them; append only.
///   unknown_event         the event's name is none of ours
///   missing_user          neither user_id nor anonymous_id (identify needs both)
///   missing_item          an event of this type names at least one item; an item or user has an id
///   missing_time          no ts
///   impossible_time       before 1990 or after 2200
///   future_time           later than now by more than kFutureSlack
///   missing_query         search without a query
///   missing_rating        rating without a rating
///   missing_currency      a price without its currency
///   bad_currency          not three letters A-Z (ISO 4217)
///   id_too_long           more than kMaxIdBytes bytes
///   id_not_utf8           an id that is not UTF-8
///   id_control_character  an id with a control character or a line break
///   text_not_utf8         a text field that is not UTF-8
///   text_too_long         a text field above its limit
///   too_many_items        more than kMaxItemsPerEvent items
///   too_many_values       more than kMaxValues categories, tags, attributes or vector places
///   not_finite            a number that is NaN or infinite
///   negative_number       a quantity, price, duration or stock below what is possible
///   replaces_itself       `replaces` is the event's own event_id
inline constexpr std::string_view kRejectionCodes[] = {
    "unknown_event",        "missing_user",  "missing_item",    "missing_time",
    "impossible_time",      "future_time",   "missing_query",   "missing_rating",
    "missing_currency",     "bad_currency",  "id_too_long",     "id_not_utf8",
    "id_control_character", "text_not_utf8", "text_too_long",   "too_many_items",
    "too_many_values",      "not_finite",    "negative_number", "replaces_itself"};

inline constexpr std::size_t kMaxTextBytes = 16'384;  ///< description, free text attributes
inline constexpr std::size_t kMaxQueryBytes = 1'024;  ///< a shopper's query
inline constexpr std::size_t kMaxValues = 4'096;
/// Clocks of phones run ahead; a time zone written wrongly is further off than this.
inline constexpr Micros kFutureSlack{3'600 * kMicrosPerSecond};

/// None where the row may enter. `now` is the receiving clock.
/// Threads: any.
std::optional<Rejection> CheckEvent(const Event& event, Micros now);
std::optional<Rejection> CheckItem(const Item& item, Micros now);
std::optional<Rejection> CheckUser(const User& user, Micros now);

/// An outside id by itself (a path parameter): `field` names it in the sentence.
std::optional<Rejection> CheckId(std::string_view field, std::string_view id);

/// The rejection of an event name that ParseEventType does not know; names the nearest one.
Rejection UnknownEvent(std::string_view name);

/// True where `text` is well-formed UTF-8 (no overlong forms, no surrogates).
///   Source: The Unicode Standard, table 3-7
bool IsUtf8(std::string_view text);

/// Id of row `index` of a request that has no event_id of its own: the same for every retry with
/// the same idempotency key. 32 hex digits.
std::string EventIdOf(std::string_view idempotency_key, std::size_t index);
/// For a row of a request without a key: 32 random hex digits (128 bits).
std::string RandomEventId();
/// Gives the event an id where it has none: by key and index, or random where the key is empty.
void CompleteEventId(Event& event, std::string_view idempotency_key, std::size_t index);

}  // namespace vitrine::data
