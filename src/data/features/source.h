/// Where a feature's raw value comes from: "item.price", "user.level", "context.hour".
/// Threads: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/status.h"
#include "data/feature_spec.h"

namespace vitrine::data::features {

enum class Owner : std::uint8_t { kItem, kUser, kContext };

struct Source {
  Owner owner = Owner::kItem;
  std::string field;  ///< a column of Item ("price") or the name of a free attribute
};

/// Errors: kInvalidArgument (names the feature): no owner that is known, or no field.
Result<Source> ParseSource(const FeatureDef& def);

/// One row's values: whichever of the three the source's owner is; null where there is none.
struct Fields {
  const Item* item = nullptr;
  const User* user = nullptr;
  const Attributes* context = nullptr;
};

/// The number there, or nothing: absent, text, or "unknown" in its column (price 0, stock -1).
std::optional<double> NumberOf(const Source& source, const Fields& fields);

/// The text there (a set's first word; a number or flag as text, kept in `buffer`), or nothing:
/// absent or empty. Valid as long as fields and buffer. No allocation.
struct TextBuffer {
  char bytes[32];
};
std::optional<std::string_view> TextOf(const Source& source, const Fields& fields,
                                       TextBuffer& buffer);

/// Every text there: a set has several. Views into the item, user or context.
void AppendTexts(const Source& source, const Fields& fields, std::vector<std::string_view>& texts);

/// True where `field` is a column of every item rather than a free attribute.
bool IsItemColumn(std::string_view field);

}  // namespace vitrine::data::features
