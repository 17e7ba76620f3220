#include "data/features/source.h"

#include <array>
#include <charconv>
#include <variant>

#include <fmt/format.h>

#include "data/features/options.h"

namespace vitrine::data::features {
namespace {
constexpr std::array<std::string_view, 11> kItemColumns = {
    "id",    "title",    "description", "brand", "category", "categories",
    "price", "currency", "stock",       "tags",  "hidden"};

const Attribute* FindAttribute(const Source& source, const Fields& fields) {
  const Attributes* attributes = nullptr;
  switch (source.owner) {
    case Owner::kItem:
      attributes = fields.item == nullptr ? nullptr : &fields.item->attributes;
      break;
    case Owner::kUser:
      attributes = fields.user == nullptr ? nullptr : &fields.user->attributes;
      break;
    case Owner::kContext:
      attributes = fields.context;
      break;
  }
  if (attributes == nullptr) {
    return nullptr;
  }
  const auto at = attributes->find(source.field);
  return at == attributes->end() ? nullptr : &at->second;
}

std::optional<std::string_view> NotEmpty(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<std::string_view> FirstOf(const std::vector<std::string>& words) {
  return words.empty() ? std::nullopt : NotEmpty(words.front());
}

std::string_view Written(double number, TextBuffer& buffer) {
  const auto [end, error] = std::to_chars(buffer.bytes, buffer.bytes + sizeof buffer.bytes, number);
  return {buffer.bytes, static_cast<std::size_t>(end - buffer.bytes)};
}

/// Text columns of Item, by name; null for the others.
const std::string* TextColumn(const Item& item, std::string_view field) {
  if (field == "id") return &item.id;
  if (field == "title") return &item.title;
  if (field == "description") return &item.description;
  if (field == "brand") return &item.brand;
  if (field == "currency") return &item.currency;
  return nullptr;
}

const std::vector<std::string>* SetColumn(const Item& item, std::string_view field) {
  if (field == "category" || field == "categories") return &item.categories;
  if (field == "tags") return &item.tags;
  return nullptr;
}
}  // namespace

bool IsItemColumn(std::string_view field) {
  for (const std::string_view column : kItemColumns) {
    if (column == field) {
      return true;
    }
  }
  return false;
}

Result<Source> ParseSource(const FeatureDef& def) {
  const std::size_t dot = def.source.find('.');
  const std::string_view owner = std::string_view(def.source).substr(0, dot);
  Source source;
  if (owner == "item") {
    source.owner = Owner::kItem;
  } else if (owner == "user") {
    source.owner = Owner::kUser;
  } else if (owner == "context") {
    source.owner = Owner::kContext;
  } else {
    return FeatureError(def, fmt::format("source is '{}'; it must be item.FIELD, user.FIELD or "
                                         "context.FIELD",
                                         def.source));
  }
  if (dot == std::string::npos || dot + 1 == def.source.size()) {
    return FeatureError(def, fmt::format("source '{}' names no field", def.source));
  }
  source.field = def.source.substr(dot + 1);
  return source;
}

std::optional<double> NumberOf(const Source& source, const Fields& fields) {
  if (source.owner == Owner::kItem && fields.item != nullptr && IsItemColumn(source.field)) {
    const Item& item = *fields.item;
    if (source.field == "price") {
      return item.price == 0 ? std::nullopt : std::optional(item.price);
    }
    if (source.field == "stock") {
      return item.stock < 0 ? std::nullopt : std::optional(item.stock);
    }
    return source.field == "hidden" ? std::optional(item.hidden ? 1.0 : 0.0) : std::nullopt;
  }
  const Attribute* attribute = FindAttribute(source, fields);
  if (attribute == nullptr) {
    return std::nullopt;
  }
  if (const bool* flag = std::get_if<bool>(attribute)) {
    return *flag ? 1.0 : 0.0;
  }
  const double* number = std::get_if<double>(attribute);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<std::string_view> TextOf(const Source& source, const Fields& fields,
                                       TextBuffer& buffer) {
  if (source.owner == Owner::kItem && fields.item != nullptr && IsItemColumn(source.field)) {
    if (const std::string* text = TextColumn(*fields.item, source.field)) {
      return NotEmpty(*text);
    }
    if (const auto* words = SetColumn(*fields.item, source.field)) {
      return FirstOf(*words);
    }
    const std::optional<double> number = NumberOf(source, fields);
    return number ? std::optional(Written(*number, buffer)) : std::nullopt;
  }
  if (source.owner == Owner::kUser && source.field == "id" && fields.user != nullptr) {
    return NotEmpty(fields.user->id);
  }
  const Attribute* attribute = FindAttribute(source, fields);
  if (attribute == nullptr) {
    return std::nullopt;
  }
  if (const auto* text = std::get_if<std::string>(attribute)) {
    return NotEmpty(*text);
  }
  if (const auto* words = std::get_if<std::vector<std::string>>(attribute)) {
    return FirstOf(*words);
  }
  if (const bool* flag = std::get_if<bool>(attribute)) {
    return *flag ? "true" : "false";
  }
  return Written(std::get<double>(*attribute), buffer);
}

void AppendTexts(const Source& source, const Fields& fields, std::vector<std::string_view>& texts) {
  const std::vector<std::string>* words = nullptr;
  if (source.owner == Owner::kItem && fields.item != nullptr && IsItemColumn(source.field)) {
    if (const std::string* text = TextColumn(*fields.item, source.field)) {
      texts.emplace_back(*text);
      return;
    }
    words = SetColumn(*fields.item, source.field);
  } else if (const Attribute* attribute = FindAttribute(source, fields)) {
    if (const auto* text = std::get_if<std::string>(attribute)) {
      texts.emplace_back(*text);
      return;
    }
    words = std::get_if<std::vector<std::string>>(attribute);
  }
  if (words != nullptr) {
    texts.insert(texts.end(), words->begin(), words->end());
  }
}

}  // namespace vitrine::data::features
