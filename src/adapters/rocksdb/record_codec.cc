#include "adapters/rocksdb/record_codec.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "adapters/rocksdb/byte_codec.h"

namespace vitrine::adapters {
namespace {

constexpr std::uint8_t kVersion = 1;

template <typename T>
constexpr std::uint8_t KindOf() {
  return static_cast<std::uint8_t>(StoredBody(std::in_place_type<T>).index());
}

ByteWriter Begin(std::size_t kind, Micros received) {
  ByteWriter out;
  out.Byte(kVersion);
  out.Byte(static_cast<std::uint8_t>(kind));
  out.Signed(received.value);
  return out;
}

void PutTexts(ByteWriter& out, const std::vector<std::string>& texts) {
  out.Varint(texts.size());
  for (const std::string& text : texts) {
    out.Text(text);
  }
}

std::vector<std::string> GetTexts(ByteReader& in) {
  std::vector<std::string> texts(in.Count());
  for (std::string& text : texts) {
    text = in.Text();
  }
  return texts;
}

EventType GetEventType(ByteReader& in) {
  const std::uint8_t number = in.Byte();
  if (number >= kEventTypes) {
    in.Fail();
    return EventType::kView;
  }
  return static_cast<EventType>(number);
}

/// The optional texts of an event, in the order of their bits; the order is persisted.
template <typename E>
auto TextsOf(E& event) {
  return std::array{&event.event_id,   &event.user_id, &event.anonymous_id, &event.request_id,
                    &event.scene,      &event.query,   &event.order_id,     &event.currency,
                    &event.experiment, &event.replaces};
}
constexpr std::uint64_t kSecondsBit = 1U << 10;
constexpr std::uint64_t kRatingBit = 1U << 11;

constexpr std::uint8_t kPositionBit = 1;
constexpr std::uint8_t kQuantityBit = 2;
constexpr std::uint8_t kPriceBit = 4;

void PutEventItem(ByteWriter& out, const EventItem& item) {
  out.Text(item.item_id);
  out.Byte(static_cast<std::uint8_t>((item.position != -1 ? kPositionBit : 0) |
                                     (item.quantity != 1 ? kQuantityBit : 0) |
                                     (item.price != 0 ? kPriceBit : 0)));
  if (item.position != -1) {
    out.Signed(item.position);
  }
  if (item.quantity != 1) {
    out.Double(item.quantity);
  }
  if (item.price != 0) {
    out.Double(item.price);
  }
}

EventItem GetEventItem(ByteReader& in) {
  EventItem item;
  item.item_id = in.Text();
  const std::uint8_t mask = in.Byte();
  if ((mask & kPositionBit) != 0) {
    item.position = static_cast<std::int32_t>(in.Signed());
  }
  if ((mask & kQuantityBit) != 0) {
    item.quantity = in.Double();
  }
  if ((mask & kPriceBit) != 0) {
    item.price = in.Double();
  }
  return item;
}

Event GetEvent(ByteReader& in) {
  Event event;
  event.type = GetEventType(in);
  event.ts = {in.Signed()};
  const std::uint64_t mask = in.Varint();
  std::uint64_t bit = 1;
  for (std::string* text : TextsOf(event)) {
    if ((mask & bit) != 0) {
      *text = in.Text();
    }
    bit <<= 1;
  }
  if ((mask & kSecondsBit) != 0) {
    event.seconds = in.Double();
  }
  if ((mask & kRatingBit) != 0) {
    event.rating = in.Double();
  }
  const std::size_t items = in.Count();
  event.items.reserve(items);
  for (std::size_t i = 0; i < items && in.ok(); ++i) {
    event.items.push_back(GetEventItem(in));
  }
  return event;
}

void PutAttributes(ByteWriter& out, const Attributes& attributes) {
  out.Varint(attributes.size());
  for (const auto& [name, value] : attributes) {
    out.Text(name);
    out.Byte(static_cast<std::uint8_t>(value.index()));
    if (const auto* yes = std::get_if<bool>(&value)) {
      out.Byte(*yes ? 1 : 0);
    } else if (const auto* number = std::get_if<double>(&value)) {
      out.Double(*number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      out.Text(*text);
    } else {
      PutTexts(out, std::get<std::vector<std::string>>(value));
    }
  }
}

Attribute GetAttribute(ByteReader& in) {
  switch (in.Byte()) {
    case 0:
      return in.Byte() != 0;
    case 1:
      return in.Double();
    case 2:
      return std::string(in.Text());
    case 3:
      return GetTexts(in);
    default:
      in.Fail();
      return false;
  }
}

Attributes GetAttributes(ByteReader& in) {
  Attributes attributes;
  const std::size_t count = in.Count();
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    std::string name(in.Text());
    attributes.insert_or_assign(std::move(name), GetAttribute(in));
  }
  return attributes;
}

Item GetItem(ByteReader& in) {
  Item item;
  item.id = in.Text();
  item.valid_from = {in.Signed()};
  item.title = in.Text();
  item.description = in.Text();
  item.brand = in.Text();
  item.categories = GetTexts(in);
  item.price = in.Double();
  item.currency = in.Text();
  item.stock = in.Double();
  item.tags = GetTexts(in);
  item.image_url = in.Text();
  item.hidden = in.Byte() != 0;
  const std::size_t vectors = in.Count();
  for (std::size_t i = 0; i < vectors && in.ok(); ++i) {
    std::string name(in.Text());
    std::vector<float> values(in.Count());
    for (float& value : values) {
      value = in.Float();
    }
    item.vectors.insert_or_assign(std::move(name), std::move(values));
  }
  item.attributes = GetAttributes(in);
  return item;
}

User GetUser(ByteReader& in) {
  User user;
  user.id = in.Text();
  user.valid_from = {in.Signed()};
  user.attributes = GetAttributes(in);
  return user;
}

StoredBody GetBody(ByteReader& in, std::uint8_t kind) {
  if (kind == KindOf<Event>()) {
    return GetEvent(in);
  }
  if (kind == KindOf<Item>()) {
    return GetItem(in);
  }
  if (kind == KindOf<User>()) {
    return GetUser(in);
  }
  if (kind == KindOf<data::ItemDeletion>()) {
    std::string id(in.Text());
    return data::ItemDeletion{std::move(id), {in.Signed()}};
  }
  if (kind == KindOf<data::UserErasure>()) {
    std::string subject(in.Text());
    return data::UserErasure{std::move(subject), {in.Signed()}};
  }
  if (kind == KindOf<ImpressionRef>()) {
    return ImpressionRef{std::string(in.Text())};
  }
  in.Fail();
  return ImpressionRef{};
}

Status CheckVersion(std::uint8_t version) {
  if (version != kVersion) {
    return DataLoss(fmt::format("a record in the event log has the unknown version {}", version));
  }
  return Status::Ok();
}

}  // namespace

std::string EncodeEvent(Micros received, const Event& event) {
  ByteWriter out = Begin(KindOf<Event>(), received);
  out.Byte(static_cast<std::uint8_t>(event.type));
  out.Signed(event.ts.value);
  std::uint64_t mask =
      (event.seconds != 0 ? kSecondsBit : 0) | (event.rating != 0 ? kRatingBit : 0);
  std::uint64_t bit = 1;
  for (const std::string* text : TextsOf(event)) {
    mask |= text->empty() ? 0 : bit;
    bit <<= 1;
  }
  out.Varint(mask);
  for (const std::string* text : TextsOf(event)) {
    if (!text->empty()) {
      out.Text(*text);
    }
  }
  if (event.seconds != 0) {
    out.Double(event.seconds);
  }
  if (event.rating != 0) {
    out.Double(event.rating);
  }
  out.Varint(event.items.size());
  for (const EventItem& item : event.items) {
    PutEventItem(out, item);
  }
  return out.Take();
}

std::string EncodeItem(Micros received, const Item& item) {
  ByteWriter out = Begin(KindOf<Item>(), received);
  out.Text(item.id);
  out.Signed(item.valid_from.value);
  out.Text(item.title);
  out.Text(item.description);
  out.Text(item.brand);
  PutTexts(out, item.categories);
  out.Double(item.price);
  out.Text(item.currency);
  out.Double(item.stock);
  PutTexts(out, item.tags);
  out.Text(item.image_url);
  out.Byte(item.hidden ? 1 : 0);
  out.Varint(item.vectors.size());
  for (const auto& [name, values] : item.vectors) {
    out.Text(name);
    out.Varint(values.size());
    for (const float value : values) {
      out.Float(value);
    }
  }
  PutAttributes(out, item.attributes);
  return out.Take();
}

std::string EncodeUser(Micros received, const User& user) {
  ByteWriter out = Begin(KindOf<User>(), received);
  out.Text(user.id);
  out.Signed(user.valid_from.value);
  PutAttributes(out, user.attributes);
  return out.Take();
}

std::string EncodeDeletion(Micros received, const data::ItemDeletion& deletion) {
  ByteWriter out = Begin(KindOf<data::ItemDeletion>(), received);
  out.Text(deletion.id);
  out.Signed(deletion.ts.value);
  return out.Take();
}

std::string EncodeErasure(Micros received, const data::UserErasure& erasure) {
  ByteWriter out = Begin(KindOf<data::UserErasure>(), received);
  out.Text(erasure.subject);
  out.Signed(erasure.ts.value);
  return out.Take();
}

std::string EncodeImpressionRef(Micros received, std::string_view request_id) {
  ByteWriter out = Begin(KindOf<ImpressionRef>(), received);
  out.Text(request_id);
  return out.Take();
}

Result<StoredRecord> DecodeRecord(std::string_view bytes) {
  ByteReader in(bytes);
  RETURN_IF_ERROR(CheckVersion(in.Byte()));
  const std::uint8_t kind = in.Byte();
  StoredRecord record{{in.Signed()}, GetBody(in, kind)};
  RETURN_IF_ERROR(in.Finish("a record"));
  return record;
}

std::string SequenceKey(std::uint64_t sequence) {
  std::string key(sizeof(sequence), '\0');
  for (std::size_t i = key.size(); i-- > 0; sequence >>= 8) {
    key[i] = static_cast<char>(static_cast<unsigned char>(sequence));
  }
  return key;
}

Result<std::uint64_t> SequenceOfKey(std::string_view key) {
  std::uint64_t sequence = 0;
  if (key.size() != sizeof(sequence)) {
    return DataLoss("a key of the event log is damaged; restore it from a backup");
  }
  for (const char byte : key) {
    sequence = sequence << 8 | static_cast<unsigned char>(byte);
  }
  return sequence;
}

}  // namespace vitrine::adapters
