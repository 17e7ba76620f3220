#include "serve/predicate.h"

#include <algorithm>
#include <functional>

#include "data/timestamp.h"

namespace vitrine::serve {
namespace {

std::uint64_t HashOf(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  const std::uint64_t hash = std::hash<std::string_view>{}(text);
  return hash == 0 ? 1 : hash;
}

void KeepDistinct(std::vector<std::uint64_t>& hashes) {
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  hashes.shrink_to_fit();
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

std::optional<Micros> AvailableFrom(const Item& item) {
  const auto found = item.attributes.find("available_from");
  if (found == item.attributes.end()) {
    return std::nullopt;
  }
  Result<data::ParsedTime> parsed = InvalidArgument("no time");
  if (const auto* text = std::get_if<std::string>(&found->second)) {
    parsed = data::ParseTime(*text);
  } else if (const auto* number = std::get_if<double>(&found->second)) {
    parsed = data::ParseTime(*number);
  }
  return parsed.ok() ? std::optional(parsed->time) : std::nullopt;
}

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
  for (const std::string_view path : item.categories) {
    for (std::size_t end = path.find(" > "); end != std::string_view::npos;
         end = path.find(" > ", end + 1)) {
      fields.level_hashes.push_back(HashOf(path.substr(0, end)));
    }
    fields.level_hashes.push_back(HashOf(path));
  }
  for (const std::string& tag : item.tags) {
    fields.tag_hashes.push_back(HashOf(tag));
  }
  KeepDistinct(fields.level_hashes);
  KeepDistinct(fields.tag_hashes);
  fields.since = AvailableFrom(item).value_or(item.valid_from);
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
