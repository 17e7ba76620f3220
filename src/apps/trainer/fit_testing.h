/// For tests: small specs of each kind of model, and shops that are easy to count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/test_shop.h"
#include "train/train_spec.h"

namespace vitrine::apps {

inline train::TrainSpec SpecOf(const std::string& algorithm) {
  train::TrainSpec spec;
  spec.algorithm = algorithm;
  if (algorithm == "als") {
    spec.parameters = {{"factors", std::int64_t{8}}, {"iterations", std::int64_t{2}}};
  } else if (algorithm == "bpr") {
    spec.parameters = {{"factors", std::int64_t{8}}, {"epochs", std::int64_t{2}}};
  } else if (algorithm == "sasrec" || algorithm == "bert4rec") {
    spec.parameters = {{"length", std::int64_t{8}},    {"width", std::int64_t{8}},
                       {"blocks", std::int64_t{1}},    {"heads", std::int64_t{1}},
                       {"negatives", std::int64_t{8}}, {"batch", std::int64_t{4}},
                       {"epochs", std::int64_t{2}},    {"validate_every", std::int64_t{1}},
                       {"threads", std::int64_t{1}}};
  } else if (algorithm == "hybrid") {
    spec.members = {{.name = "", .algorithm = "markov", .parameters = {}},
                    {.name = "", .algorithm = "popularity", .parameters = {}}};
  }
  return spec;
}

/// Users with these item numbers, each a basket of its own, in their order.
inline data::test::Shop ShopOf(const std::vector<std::vector<std::uint32_t>>& users,
                               std::size_t items) {
  data::test::Shop shop;
  data::Interactions& rows = shop.interactions;
  rows.ordinal_time = true;
  rows.snapshot = "bad-data";
  rows.user_begin = {0};
  for (std::size_t i = 0; i < items; ++i) {
    rows.items.push_back("i" + std::to_string(10 + i));
    shop.items.rows.emplace_back().id = rows.items.back();
  }
  for (std::size_t u = 0; u < users.size(); ++u) {
    rows.users.push_back("u" + std::to_string(100 + u));
    for (std::size_t place = 0; place < users[u].size(); ++place) {
      rows.user.push_back(static_cast<std::uint32_t>(u));
      rows.item.push_back(users[u][place]);
      rows.ts.push_back({static_cast<std::int64_t>(place)});
      rows.type.push_back(EventType::kPurchase);
      rows.basket.push_back(static_cast<std::uint32_t>(place));
    }
    rows.user_begin.push_back(rows.item.size());
  }
  return shop;
}

/// User u goes round all items, from item u on: every count is the same.
inline std::vector<std::vector<std::uint32_t>> Rounds(std::uint32_t users, std::uint32_t items) {
  std::vector<std::vector<std::uint32_t>> all;
  for (std::uint32_t u = 0; u < users; ++u) {
    std::vector<std::uint32_t>& own = all.emplace_back();
    for (std::uint32_t i = 0; i < items; ++i) {
      own.push_back((u + i) % items);
    }
  }
  return all;
}

}  // namespace vitrine::apps
