#include "data/validate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "core/sha256.h"
#include "data/timestamp.h"

namespace vitrine::data {
namespace {

using Verdict = std::optional<Rejection>;

#define VITRINE_RETURN_REJECTION(expr) \
  do {                                 \
    if (Verdict verdict = (expr)) {    \
      return verdict;                  \
    }                                  \
  } while (false)

/// Length of the well-formed UTF-8 character at the start of `text`; 0 where there is none.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&byte](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return follows(1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// C0, DEL, C1, and the two Unicode line breaks.
bool IsControl(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) {
    return lead < 0x20 || lead == 0x7F;
  }
  if (character.size() == 2) {
    return lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
  }
  return character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9";
}

Verdict CheckText(std::string_view field, std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    return Rejection{"text_too_long", fmt::format("{} has {} bytes; at most {} are taken", field,
                                                  text.size(), limit)};
  }
  if (!IsUtf8(text)) {
    return Rejection{"text_not_utf8", fmt::format("{} is not UTF-8", field)};
  }
  return std::nullopt;
}

/// `least` is the smallest value that makes sense.
Verdict CheckNumber(std::string_view field, double value, double least) {
  if (!std::isfinite(value)) {
    return Rejection{"not_finite", fmt::format("{} is not a finite number", field)};
  }
  if (value < least) {
    return Rejection{"negative_number",
                     fmt::format("{} is {}; it cannot be below {}", field, value, least)};
  }
  return std::nullopt;
}

Verdict CheckTime(std::string_view field, Micros time, Micros now) {
  if (time.value == 0) {
    return Rejection{"missing_time", fmt::format("{} is missing", field)};
  }
  if (time < kEarliestTime || time >= kLatestTime) {
    return Rejection{"impossible_time",
                     fmt::format("{} is {}: outside 1990 to 2200", field, FormatIso(time))};
  }
  if (time.value > now.value + kFutureSlack.value) {
    return Rejection{
        "future_time",
        fmt::format("{} is {}, later than this server's clock ({}); check the sender's "
                    "clock and time zone",
                    field, FormatIso(time), FormatIso(now))};
  }
  return std::nullopt;
}

Verdict CheckMoney(bool has_price, std::string_view currency) {
  if (currency.empty()) {
    if (has_price) {
      return Rejection{"missing_currency", "a price needs its currency, such as EUR or CNY"};
    }
    return std::nullopt;
  }
  const bool letters =
      std::all_of(currency.begin(), currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (currency.size() != 3 || !letters) {
    return Rejection{"bad_currency", "currency is not a code of three capital letters such as EUR"};
  }
  return std::nullopt;
}

Verdict CheckCount(std::string_view field, std::size_t count) {
  if (count > kMaxValues) {
    return Rejection{"too_many_values", fmt::format("{} has {} values; at most {} are taken", field,
                                                    count, kMaxValues)};
  }
  return std::nullopt;
}

Verdict CheckWords(std::string_view field, const std::vector<std::string>& words) {
  VITRINE_RETURN_REJECTION(CheckCount(field, words.size()));
  for (const std::string& word : words) {
    VITRINE_RETURN_REJECTION(CheckText(field, word, kMaxTextBytes));
  }
  return std::nullopt;
}

Verdict CheckAttributes(const Attributes& attributes) {
  VITRINE_RETURN_REJECTION(CheckCount("attributes", attributes.size()));
  for (const auto& [name, value] : attributes) {
    VITRINE_RETURN_REJECTION(CheckId("an attribute's name", name));
    if (const auto* number = std::get_if<double>(&value);
        number != nullptr && !std::isfinite(*number)) {
      return Rejection{"not_finite", fmt::format("attribute {} is not a finite number", name)};
    }
    if (const auto* text = std::get_if<std::string>(&value)) {
      VITRINE_RETURN_REJECTION(CheckText(name, *text, kMaxTextBytes));
    }
    if (const auto* words = std::get_if<std::vector<std::string>>(&value)) {
      VITRINE_RETURN_REJECTION(CheckWords(name, *words));
    }
  }
  return std::nullopt;
}

/// An id that may be missing.
Verdict CheckOptionalId(std::string_view field, std::string_view id) {
  return id.empty() ? std::nullopt : CheckId(field, id);
}

Verdict CheckIds(const Event& event) {
  const std::array<std::pair<std::string_view, std::string_view>, 8> ids = {{
      {"event_id", event.event_id},
      {"user_id", event.user_id},
      {"anonymous_id", event.anonymous_id},
      {"request_id", event.request_id},
      {"scene", event.scene},
      {"order_id", event.order_id},
      {"experiment", event.experiment},
      {"replaces", event.replaces},
  }};
  for (const auto& [field, id] : ids) {
    VITRINE_RETURN_REJECTION(CheckOptionalId(field, id));
  }
  if (!event.replaces.empty() && event.replaces == event.event_id) {
    return Rejection{"replaces_itself", "replaces is the event's own event_id"};
  }
  return std::nullopt;
}

Verdict CheckWho(const Event& event) {
  if (event.user_id.empty() && event.anonymous_id.empty()) {
    return Rejection{"missing_user", "the event needs a user_id or an anonymous_id"};
  }
  if (event.type == EventType::kIdentify && (event.user_id.empty() || event.anonymous_id.empty())) {
    return Rejection{"missing_user", "identify needs both user_id and anonymous_id"};
  }
  return std::nullopt;
}

Verdict CheckItems(const Event& event) {
  if (NeedsItem(event.type) && event.items.empty()) {
    return Rejection{"missing_item", fmt::format("{} needs an item_id", EventName(event.type))};
  }
  if (event.items.size() > kMaxItemsPerEvent) {
    return Rejection{"too_many_items", fmt::format("the event has {} items; at most {} are taken",
                                                   event.items.size(), kMaxItemsPerEvent)};
  }
  bool has_price = false;
  for (const EventItem& item : event.items) {
    if (item.item_id.empty()) {
      return Rejection{"missing_item", "an item of the event has no item_id"};
    }
    VITRINE_RETURN_REJECTION(CheckId("item_id", item.item_id));
    VITRINE_RETURN_REJECTION(CheckNumber("quantity", item.quantity, 0));
    VITRINE_RETURN_REJECTION(CheckNumber("price", item.price, 0));
    VITRINE_RETURN_REJECTION(CheckNumber("position", item.position, -1));
    has_price = has_price || item.price != 0;
  }
  return CheckMoney(has_price, event.currency);
}

std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::optional<Rejection> CheckId(std::string_view field, std::string_view id) {
  if (id.size() > kMaxIdBytes) {
    return Rejection{"id_too_long", fmt::format("{} has {} bytes; at most {} are taken", field,
                                                id.size(), kMaxIdBytes)};
  }
  while (!id.empty()) {
    const std::size_t length = Utf8Length(id);
    if (length == 0) {
      return Rejection{"id_not_utf8", fmt::format("{} is not UTF-8", field)};
    }
    if (IsControl(id.substr(0, length))) {
      return Rejection{"id_control_character",
                       fmt::format("{} holds a control character or a line break", field)};
    }
    id.remove_prefix(length);
  }
  return std::nullopt;
}

std::optional<Rejection> CheckEvent(const Event& event, Micros now) {
  VITRINE_RETURN_REJECTION(CheckWho(event));
  VITRINE_RETURN_REJECTION(CheckIds(event));
  VITRINE_RETURN_REJECTION(CheckTime("ts", event.ts, now));
  VITRINE_RETURN_REJECTION(CheckItems(event));
  VITRINE_RETURN_REJECTION(CheckText("query", event.query, kMaxQueryBytes));
  VITRINE_RETURN_REJECTION(CheckNumber("seconds", event.seconds, 0));
  if (!std::isfinite(event.rating)) {
    return Rejection{"not_finite", "rating is not a finite number"};
  }
  if (event.type == EventType::kSearch && event.query.empty()) {
    return Rejection{"missing_query", "search needs a query"};
  }
  if (event.type == EventType::kRating && event.rating == 0) {
    return Rejection{"missing_rating", "rating needs a rating other than 0"};
  }
  return std::nullopt;
}

std::optional<Rejection> CheckItem(const Item& item, Micros now) {
  if (item.id.empty()) {
    return Rejection{"missing_item", "the item has no id"};
  }
  VITRINE_RETURN_REJECTION(CheckId("id", item.id));
  VITRINE_RETURN_REJECTION(CheckTime("valid_from", item.valid_from, now));
  VITRINE_RETURN_REJECTION(CheckText("title", item.title, kMaxTextBytes));
  VITRINE_RETURN_REJECTION(CheckText("description", item.description, 4 * kMaxTextBytes));
  VITRINE_RETURN_REJECTION(CheckText("brand", item.brand, kMaxTextBytes));
  VITRINE_RETURN_REJECTION(CheckText("image_url", item.image_url, kMaxTextBytes));
  VITRINE_RETURN_REJECTION(CheckWords("categories", item.categories));
  VITRINE_RETURN_REJECTION(CheckWords("tags", item.tags));
  VITRINE_RETURN_REJECTION(CheckNumber("price", item.price, 0));
  VITRINE_RETURN_REJECTION(CheckNumber("stock", item.stock, -1));
  VITRINE_RETURN_REJECTION(CheckMoney(item.price != 0, item.currency));
  VITRINE_RETURN_REJECTION(CheckCount("vectors", item.vectors.size()));
  for (const auto& [name, vector] : item.vectors) {
    VITRINE_RETURN_REJECTION(CheckId("a vector's name", name));
    VITRINE_RETURN_REJECTION(CheckCount(name, vector.size()));
    if (!std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); })) {
      return Rejection{"not_finite",
                       fmt::format("vector {} holds a number that is not finite", name)};
    }
  }
  return CheckAttributes(item.attributes);
}

std::optional<Rejection> CheckUser(const User& user, Micros now) {
  if (user.id.empty()) {
    return Rejection{"missing_user", "the user has no id"};
  }
  VITRINE_RETURN_REJECTION(CheckId("id", user.id));
  VITRINE_RETURN_REJECTION(CheckTime("valid_from", user.valid_from, now));
  return CheckAttributes(user.attributes);
}

Rejection UnknownEvent(std::string_view name) {
  const std::string_view shown = name.substr(0, kMaxIdBytes);
  std::string_view nearest;
  std::size_t best = 3;  // further off is no help
  for (int i = 0; i < kEventTypes; ++i) {
    const std::string_view known = EventName(static_cast<EventType>(i));
    if (const std::size_t distance = Distance(shown, known); distance < best) {
      best = distance;
      nearest = known;
    }
  }
  std::string message = fmt::format("'{}' is no event name", IsUtf8(shown) ? shown : "?");
  if (!nearest.empty()) {
    message += fmt::format("; did you mean {}?", nearest);
  }
  return {"unknown_event", std::move(message)};
}

std::string EventIdOf(std::string_view idempotency_key, std::size_t index) {
  // The length keeps (key "a1", row 1) and (key "a", row 11) apart.
  const std::string text =
      fmt::format("event\n{}\n{}\n{}", idempotency_key.size(), idempotency_key, index);
  return Sha256Hex(text).substr(0, 32);
}

std::string RandomEventId() {
  thread_local std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    id += fmt::format("{:08x}", static_cast<std::uint32_t>(device()));
  }
  return id;
}

void CompleteEventId(Event& event, std::string_view idempotency_key, std::size_t index) {
  if (event.event_id.empty()) {
    event.event_id = idempotency_key.empty() ? RandomEventId() : EventIdOf(idempotency_key, index);
  }
}

}  // namespace vitrine::data
