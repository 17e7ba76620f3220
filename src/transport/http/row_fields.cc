#include "transport/http/row_fields.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "data/validate.h"
#include "transport/http/event_names.h"

namespace vitrine::http {
namespace {

using Names = std::unordered_map<std::string_view, int>;

int Find(const Names& names, std::string_view key) {
  const auto found = names.find(key);
  return found == names.end() ? -1 : found->second;
}

bool ReadTime(FieldReader& reader, ondemand::value value, RowTime& time, Micros& out) {
  data::ParsedTime parsed;
  if (!reader.Time(value, parsed)) {
    return false;
  }
  time = parsed;
  out = parsed.time;
  return true;
}

// One entry of an event's `items`: an id, or an object.
bool ReadEventItem(FieldReader& reader, ondemand::value value, EventItem& item) {
  ondemand::json_type type{};
  if (value.type().get(type) == simdjson::SUCCESS && type != ondemand::json_type::object) {
    return reader.Id(value, item.item_id);
  }
  return reader.Object(value, [&](std::string_view key, ondemand::value member) {
    reader.Enter(key == "item_id" || key == "id"       ? "items.item_id"
                 : key == "position" || key == "index" ? "items.position"
                 : key == "quantity"                   ? "items.quantity"
                 : key == "price"                      ? "items.price"
                                                       : "items");
    if (reader.IsNull(member)) {
      return true;
    }
    if (key == "item_id" || key == "id") {
      return reader.Id(member, item.item_id);
    }
    if (key == "position" || key == "index") {
      std::int64_t position = -1;
      if (!reader.Integer(member, position)) {
        return false;
      }
      item.position =
          position < 0 || position > 1'000'000 ? -1 : static_cast<std::int32_t>(position);
      return true;
    }
    if (key == "quantity") {
      return reader.Number(member, item.quantity);
    }
    if (key == "price") {
      return reader.Number(member, item.price);
    }
    reader.Ignore("items." + std::string(key));
    return true;
  });
}

enum EventField : int {
  kEvent,
  kEventId,
  kUserId,
  kAnonymousId,
  kItemId,
  kItemIds,
  kItems,
  kTs,
  kRequestId,
  kScene,
  kQuery,
  kOrderId,
  kCurrency,
  kExperiment,
  kSeconds,
  kRating,
  kReplaces,
  kPosition,
  kQuantity,
  kPrice,
};

const Names& EventFields() {
  static const Names names = {
      {"event", kEvent},
      {"event_name", kEvent},
      {"event_id", kEventId},
      {"user_id", kUserId},
      {"anonymous_id", kAnonymousId},
      {"item_id", kItemId},
      {"item_ids", kItemIds},
      {"items", kItems},
      {"ts", kTs},
      {"timestamp", kTs},
      {"request_id", kRequestId},
      {"scene", kScene},
      {"query", kQuery},
      {"order_id", kOrderId},
      {"transaction_id", kOrderId},
      {"currency", kCurrency},
      {"experiment", kExperiment},
      {"seconds", kSeconds},
      {"rating", kRating},
      {"replaces", kReplaces},
      {"position", kPosition},
      {"quantity", kQuantity},
      {"price", kPrice},
  };
  return names;
}

// Members of the row that belong to its one item, wherever they stand in the row.
struct LooseItem {
  EventItem item;
  bool any = false;
};

class EventReader {
 public:
  EventReader(FieldReader& reader, Event& event, RowTime& time)
      : reader_(reader), event_(event), time_(time) {}

  bool Read(ondemand::object row) {
    const bool read = reader_.Members(row, [&](std::string_view key, ondemand::value value) {
      const int field = Find(EventFields(), key);
      if (field < 0) {
        reader_.Ignore(key);
        return true;
      }
      reader_.Enter(key);
      return reader_.IsNull(value) || ReadField(static_cast<EventField>(field), value);
    });
    if (!read) {
      return false;
    }
    if (!has_name_) {
      reader_.Enter("event");
      return reader_.Fail("unknown_event", "'event' is missing: it names what happened.");
    }
    return Gather();
  }

 private:
  bool ReadField(EventField field, ondemand::value value) {
    switch (field) {
      case kEvent:
        return ReadName(value);
      case kEventId:
        return reader_.Id(value, event_.event_id);
      case kUserId:
        return reader_.Id(value, event_.user_id);
      case kAnonymousId:
        return reader_.Id(value, event_.anonymous_id);
      case kTs:
        return ReadTime(reader_, value, time_, event_.ts);
      case kRequestId:
        return reader_.Text(value, event_.request_id);
      case kScene:
        return reader_.Text(value, event_.scene);
      case kQuery:
        return reader_.Text(value, event_.query);
      case kOrderId:
        return reader_.Id(value, event_.order_id);
      case kCurrency:
        return reader_.Text(value, event_.currency);
      case kExperiment:
        return reader_.Text(value, event_.experiment);
      case kSeconds:
        return reader_.Number(value, event_.seconds);
      case kRating:
        return reader_.Number(value, event_.rating);
      case kReplaces:
        return reader_.Id(value, event_.replaces);
      default:
        return ReadItemField(field, value);
    }
  }

  bool ReadItemField(EventField field, ondemand::value value) {
    switch (field) {
      case kItemId:
        loose_.any = true;
        return reader_.Id(value, loose_.item.item_id);
      case kItemIds:
        return reader_.Array(value, [&](ondemand::value id) {
          return HasRoom() && reader_.Id(id, event_.items.emplace_back().item_id);
        });
      case kItems:
        return reader_.Array(value, [&](ondemand::value item) {
          return HasRoom() && ReadEventItem(reader_, item, event_.items.emplace_back());
        });
      case kPosition: {
        std::int64_t position = -1;
        if (!reader_.Integer(value, position)) {
          return false;
        }
        loose_.item.position =
            position < 0 || position > 1'000'000 ? -1 : static_cast<std::int32_t>(position);
        return true;
      }
      case kQuantity:
        return reader_.Number(value, loose_.item.quantity);
      default:
        return reader_.Number(value, loose_.item.price);
    }
  }

  bool ReadName(ondemand::value value) {
    std::string name;
    if (!reader_.Text(value, name)) {
      return false;
    }
    const auto type = EventTypeOf(name);
    if (!type) {
      const data::Rejection rejection = data::UnknownEvent(name);
      return reader_.Fail(rejection.code, rejection.message);
    }
    event_.type = *type;
    has_name_ = true;
    return true;
  }

  bool HasRoom() {
    return event_.items.size() < kMaxItemsPerEvent ||
           reader_.Fail("too_many_items",
                        "An event has at most " + std::to_string(kMaxItemsPerEvent) + " items.");
  }

  bool Gather() {
    if (loose_.any) {
      if (!event_.items.empty()) {
        reader_.Enter("item_id");
        return reader_.Fail("wrong_type", "Give 'item_id' or 'items', not both.");
      }
      event_.items.push_back(std::move(loose_.item));
    }
    return true;
  }

  FieldReader& reader_;
  Event& event_;
  RowTime& time_;
  LooseItem loose_;
  bool has_name_ = false;
};

enum ItemField : int {
  kId,
  kValidFrom,
  kTitle,
  kDescription,
  kBrand,
  kCategories,
  kItemPrice,
  kItemCurrency,
  kStock,
  kTags,
  kImageUrl,
  kHidden,
  kVectors,
  kAttributes,
};

const Names& ItemFields() {
  static const Names names = {
      {"id", kId},
      {"item_id", kId},
      {"valid_from", kValidFrom},
      {"title", kTitle},
      {"description", kDescription},
      {"brand", kBrand},
      {"categories", kCategories},
      {"category", kCategories},
      {"price", kItemPrice},
      {"currency", kItemCurrency},
      {"stock", kStock},
      {"tags", kTags},
      {"image_url", kImageUrl},
      {"hidden", kHidden},
      {"vectors", kVectors},
      {"attributes", kAttributes},
  };
  return names;
}

void ClearItemField(ItemField field, Item& item) {
  const Item fresh;
  switch (field) {
    case kTitle:
      item.title.clear();
      return;
    case kDescription:
      item.description.clear();
      return;
    case kBrand:
      item.brand.clear();
      return;
    case kCategories:
      item.categories.clear();
      return;
    case kItemPrice:
      item.price = fresh.price;
      return;
    case kItemCurrency:
      item.currency.clear();
      return;
    case kStock:
      item.stock = fresh.stock;
      return;
    case kTags:
      item.tags.clear();
      return;
    case kImageUrl:
      item.image_url.clear();
      return;
    case kHidden:
      item.hidden = fresh.hidden;
      return;
    case kVectors:
      item.vectors.clear();
      return;
    case kAttributes:
      item.attributes.clear();
      return;
    case kId:
    case kValidFrom:
      return;
  }
}

bool ReadVectors(FieldReader& reader, ondemand::value value, Item& item) {
  return reader.Object(value, [&](std::string_view name, ondemand::value vector) {
    if (reader.IsNull(vector)) {
      item.vectors.erase(std::string(name));
      return true;
    }
    return reader.Floats(vector, item.vectors[std::string(name)]);
  });
}

bool ReadItemField(FieldReader& reader, ItemField field, ondemand::value value, Item& item,
                   RowTime& time) {
  switch (field) {
    case kId:
      return reader.Id(value, item.id);
    case kValidFrom:
      return ReadTime(reader, value, time, item.valid_from);
    case kTitle:
      return reader.Text(value, item.title);
    case kDescription:
      return reader.Text(value, item.description);
    case kBrand:
      return reader.Text(value, item.brand);
    case kCategories:
      return reader.Texts(value, item.categories);
    case kItemPrice:
      return reader.Number(value, item.price);
    case kItemCurrency:
      return reader.Text(value, item.currency);
    case kStock:
      return reader.Number(value, item.stock);
    case kTags:
      return reader.Texts(value, item.tags);
    case kImageUrl:
      return reader.Text(value, item.image_url);
    case kHidden:
      return reader.Flag(value, item.hidden);
    case kVectors:
      return ReadVectors(reader, value, item);
    case kAttributes:
      return reader.Attributes(value, item.attributes);
  }
  return true;
}

}  // namespace

bool ReadEvent(FieldReader& reader, ondemand::object row, Event& event, RowTime& time) {
  return EventReader(reader, event, time).Read(row);
}

bool ReadItem(FieldReader& reader, ondemand::object row, Item& item, RowTime& time) {
  return reader.Members(row, [&](std::string_view key, ondemand::value value) {
    const int found = Find(ItemFields(), key);
    if (found < 0) {
      reader.Ignore(key);
      return true;
    }
    const auto field = static_cast<ItemField>(found);
    reader.Enter(key);
    if (reader.IsNull(value)) {
      ClearItemField(field, item);
      return true;
    }
    return ReadItemField(reader, field, value, item, time);
  });
}

bool ReadUser(FieldReader& reader, ondemand::object row, User& user, RowTime& time) {
  return reader.Members(row, [&](std::string_view key, ondemand::value value) {
    reader.Enter(key);
    if (reader.IsNull(value)) {
      return true;
    }
    if (key == "id" || key == "user_id") {
      return reader.Id(value, user.id);
    }
    if (key == "valid_from") {
      return ReadTime(reader, value, time, user.valid_from);
    }
    if (key == "attributes") {
      return reader.Attributes(value, user.attributes);
    }
    reader.Ignore(key);
    return true;
  });
}

}  // namespace vitrine::http
