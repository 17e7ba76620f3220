/// Items and users: what the shop says of its goods and shoppers. Every change is a new row with
/// `valid_from`, so that a price change does not rewrite the past.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/time.h"

namespace vitrine {

/// A free attribute: yes/no, number, text, or a set of words.
using Attribute = std::variant<bool, double, std::string, std::vector<std::string>>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

struct Item {
  std::string id;
  Micros valid_from;
  std::string title;
  std::string description;
  std::string brand;
  std::vector<std::string> categories;  ///< paths, levels joined by " > "
  double price = 0;                     ///< 0 unknown
  std::string currency;
  double stock = -1;  ///< pieces; -1 unknown (counts as in stock)
  std::vector<std::string> tags;
  std::string image_url;
  bool hidden = false;  ///< taken down: in no answer
  std::map<std::string, std::vector<float>, std::less<>> vectors;
  Attributes attributes;
  friend bool operator==(const Item&, const Item&) = default;

  [[nodiscard]] bool in_stock() const { return stock != 0; }
};

struct User {
  std::string id;
  Micros valid_from;
  Attributes attributes;  ///< level, city, device, ...
  friend bool operator==(const User&, const User&) = default;
};

}  // namespace vitrine
