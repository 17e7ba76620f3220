#include "serve/predicate.h"

#include <algorithm>
#include <functional>

namespace vitrine::serve {
namespace {

std::uint64_t HashOf(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  const std::uint64_t hash = std::hash<std::string_view>{}(text);
  return hash == 0 ? 1 : hash;
}

bool Contains(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool PriceFits(const ItemPredicate& predicate, double price) {
  if (!predicate.price_min && !predicate.price_max) {
    return true;
  }
  return price > 0 && (!predicate.price_min || price >= *predicate.price_min) &&
         (!predicate.price_max || price <= *predicate.price_max);
}

}  // namespace

ItemFields FieldsOf(const Item& item) {
  ItemFields fields;
  fields.id = item.id;
  fields.valid_from = item.valid_from;
  fields.price = item.price;
  fields.stock = item.stock;
  fields.hidden = item.hidden;
  fields.brand = item.brand;
  fields.categories = item.categories;
  fields.tags = item.tags;
  fields.brand_hash = HashOf(item.brand);
  if (!item.categories.empty()) {
    const std::string_view path = item.categories.front();
    fields.category_hash = HashOf(path.substr(0, path.find(" > ")));
  }
  return fields;
}

bool ItemPredicate::empty() const {
  return items.empty() && brands.empty() && categories.empty() && tags.empty() && !price_min &&
         !price_max;
}

bool ItemPredicate::Matches(std::string_view id, const ItemFields* fields) const {
  if (!items.empty() && !Contains(items, id)) {
    return false;
  }
  const bool only_items =
      brands.empty() && categories.empty() && tags.empty() && !price_min && !price_max;
  if (fields == nullptr) {
    return !items.empty() && only_items;
  }
  const auto in_category = [this](const std::string& path) {
    return std::any_of(categories.begin(), categories.end(),
                       [&path](const std::string& prefix) { return IsBelow(path, prefix); });
  };
  const auto tagged = [this](const std::string& tag) { return Contains(tags, tag); };
  return (brands.empty() || Contains(brands, fields->brand)) &&
         (categories.empty() ||
          std::any_of(fields->categories.begin(), fields->categories.end(), in_category)) &&
         (tags.empty() || std::any_of(fields->tags.begin(), fields->tags.end(), tagged)) &&
         PriceFits(*this, fields->price);
}

bool IsBelow(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || path.substr(prefix.size()).starts_with(" > "));
}

}  // namespace vitrine::serve
