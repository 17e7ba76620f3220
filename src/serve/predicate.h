/// A condition on item fields, as rules of a scene and filters of a request write it.
/// Threads: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"

namespace vitrine::serve {

/// What serving keeps of a catalogue row: the fields that filters, rules and spacing look at.
struct ItemFields {
  std::string id;
  Micros valid_from;
  double price = 0;   ///< 0 unknown
  double stock = -1;  ///< -1 unknown (counts as in stock)
  bool hidden = false;
  std::string brand;
  std::vector<std::string> categories;  ///< paths, levels joined by " > "
  std::vector<std::string> tags;
  std::uint64_t brand_hash = 0;             ///< 0: no brand
  std::uint64_t category_hash = 0;          ///< of the first path's first level; 0: no category
  std::vector<std::uint64_t> level_hashes;  ///< of every level of every path; sorted, distinct
  std::vector<std::uint64_t> tag_hashes;    ///< sorted, distinct
  /// Since when the shop has it: its attribute `available_from`, else the earliest valid_from that is known.
  Micros since;
};
ItemFields FieldsOf(const Item& item);
/// The attribute `available_from`, a time as data::ParseTime reads it; none where it is missing or no time.
std::optional<Micros> AvailableFrom(const Item& item);

/// All given conditions must hold; inside one list any value does. Without a condition every
/// catalogued item matches. An item that the catalogue does not know matches only by `items`.
struct ItemPredicate {
  std::vector<std::string> items;  ///< ids
  std::vector<std::string> brands;
  std::vector<std::string> categories;  ///< a path matches itself and everything below it
  std::vector<std::string> tags;
  std::optional<double> price_min;  ///< inclusive; an unknown price matches no bound
  std::optional<double> price_max;
  friend bool operator==(const ItemPredicate&, const ItemPredicate&) = default;

  [[nodiscard]] bool empty() const;
  /// `fields` is null for an item that the catalogue does not know.
  [[nodiscard]] bool Matches(std::string_view id, const ItemFields* fields) const;
};

/// True where `path` is `prefix` or lies below it: "Shoes > Running" is below "Shoes".
bool IsBelow(std::string_view path, std::string_view prefix);

}  // namespace vitrine::serve
