/// Rows of the collecting routes: JSON object -> Event, Item, User. Internal.
#pragma once

#include <optional>

#include "core/catalogue.h"
#include "core/event.h"
#include "transport/http/json_fields.h"

namespace vitrine::http {

/// What a row's time was taken as; none where the row has none.
using RowTime = std::optional<data::ParsedTime>;

/// Each returns false after an error of the reader. Members that no field reads are ignored and
/// remembered by the reader. Null members count as absent.
bool ReadEvent(FieldReader& reader, ondemand::object row, Event& event, RowTime& time);
/// Members overwrite what `item` holds; a null takes the field's default. `id` and `item_id` name
/// the item.
bool ReadItem(FieldReader& reader, ondemand::object row, Item& item, RowTime& time);
bool ReadUser(FieldReader& reader, ondemand::object row, User& user, RowTime& time);

}  // namespace vitrine::http
