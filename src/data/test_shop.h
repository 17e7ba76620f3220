/// A small shop for tests of features and training: made by a seed, small enough to count by hand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "data/interactions.h"

namespace vitrine::data::test {

struct ShopOptions {
  std::size_t users = 30;
  std::size_t items = 20;
  std::size_t longest = 25;  ///< rows of a user
  int days = 60;
  std::uint64_t seed = 1;
  bool ordinal = false;
};

struct Shop {
  Interactions interactions;
  ItemTable items;
};

/// Users "u00".., items "i00"..; views, carts and purchases; several rows share a basket.
inline Shop MakeShop(const ShopOptions& options = {}) {
  std::mt19937_64 random(options.seed);
  const auto below = [&random](std::uint64_t n) { return random() % n; };
  const auto id = [](char kind, std::size_t n) {
    return std::string(1, kind) + (n < 10 ? "0" : "") + std::to_string(n);
  };
  Shop shop;
  Interactions& rows = shop.interactions;
  rows.ordinal_time = options.ordinal;
  rows.snapshot = "test-shop-" + std::to_string(options.seed);
  for (std::size_t i = 0; i < options.items; ++i) {
    rows.items.push_back(id('i', i));
    Item item;
    item.id = rows.items.back();
    item.title = "Item number " + std::to_string(i);
    item.brand = i % 4 == 0 ? "" : "brand" + std::to_string(i % 3);
    item.categories = {i % 2 == 0 ? "Even > Goods" : "Odd > Goods"};
    item.price = i % 5 == 0 ? 0 : 1.5 * static_cast<double>(i);
    item.attributes["weight"] = 10.0 + static_cast<double>(i * i);
    if (i % 3 == 0) {
      item.attributes["colour"] = std::string(i % 2 == 0 ? "red" : "blue");
    }
    shop.items.rows.push_back(item);
  }
  rows.user_begin.push_back(0);
  constexpr EventType kTypes[] = {EventType::kView, EventType::kCart, EventType::kPurchase};
  for (std::size_t u = 0; u < options.users; ++u) {
    rows.users.push_back(id('u', u));
    const std::size_t count = 1 + below(options.longest);
    std::vector<std::int64_t> times;
    for (std::size_t r = 0; r < count; ++r) {
      times.push_back(options.ordinal ? static_cast<std::int64_t>(r)
                                      : static_cast<std::int64_t>(
                                            below(static_cast<std::uint64_t>(options.days) * 24)) *
                                            3600 * kMicrosPerSecond);
    }
    std::sort(times.begin(), times.end());
    std::uint32_t basket = 0;
    for (std::size_t r = 0; r < count; ++r) {
      basket += r > 0 && below(3) != 0 ? 1 : 0;
      rows.user.push_back(static_cast<std::uint32_t>(u));
      // Low numbers are more frequent.
      rows.item.push_back(static_cast<std::uint32_t>(below(1 + below(options.items))));
      rows.ts.push_back({times[r]});
      rows.type.push_back(kTypes[below(3)]);
      rows.basket.push_back(basket);
    }
    rows.user_begin.push_back(rows.item.size());
  }
  rows.window_from = *std::min_element(rows.ts.begin(), rows.ts.end());
  rows.window_to = *std::max_element(rows.ts.begin(), rows.ts.end());
  return shop;
}

/// Every item of the shop, in the order of its number: enough where order does not matter.
inline std::vector<std::string> ItemIds(const Shop& shop) { return shop.interactions.items; }

}  // namespace vitrine::data::test
