/// Small interaction logs for tests, written as rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "data/interactions.h"

namespace vitrine::evaluate::test {

struct Row {
  std::string user;
  std::string item;
  std::int64_t ts = 0;
  EventType type = EventType::kPurchase;
  std::uint32_t basket = 0;
};

/// Rows must be in time order within a user; `more_items` are ids that only the catalogue knows.
inline data::Interactions MakeLog(std::vector<Row> rows,
                                  const std::vector<std::string>& more_items = {}) {
  data::Interactions log;
  std::map<std::string, std::uint32_t> users;
  std::map<std::string, std::uint32_t> items;
  for (const Row& row : rows) {
    users.emplace(row.user, 0);
    items.emplace(row.item, 0);
  }
  for (const std::string& item : more_items) {
    items.emplace(item, 0);
  }
  for (auto& [id, number] : users) {
    number = static_cast<std::uint32_t>(log.users.size());
    log.users.push_back(id);
  }
  for (auto& [id, number] : items) {
    number = static_cast<std::uint32_t>(log.items.size());
    log.items.push_back(id);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.user < b.user; });
  log.user_begin.push_back(0);
  for (const Row& row : rows) {
    while (log.user_begin.size() <= users[row.user]) {
      log.user_begin.push_back(log.item.size());
    }
    log.user.push_back(users[row.user]);
    log.item.push_back(items[row.item]);
    log.ts.push_back(Micros{row.ts});
    log.type.push_back(row.type);
    log.basket.push_back(row.basket);
    log.window_to = std::max(log.window_to, Micros{row.ts});
  }
  log.user_begin.push_back(log.item.size());
  log.snapshot = "test";
  return log;
}

/// A catalogue of ids alone, aligned with the log.
inline data::ItemTable MakeItems(const data::Interactions& log) {
  data::ItemTable table;
  for (const std::string& id : log.items) {
    table.rows.emplace_back().id = id;
  }
  return table;
}

}  // namespace vitrine::evaluate::test
