/// The cleaned log as training and evaluation read it: columns, sorted by user, then time.
/// Threads: a value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/catalogue.h"
#include "core/event.h"
#include "core/time.h"

namespace vitrine::data {

/// Rows are (user, item) pairs: an event with three items is three rows. Row r is
/// {user[r], item[r], ts[r], type[r], basket[r], ...}; rows of a user stand together, oldest first;
/// equal times keep the order of the source. The log's rows are already net of returns and
/// replacements.
struct Interactions {
  std::vector<std::string> users;  ///< user number -> id, sorted by bytes
  std::vector<std::string> items;  ///< item number -> id, sorted by bytes
  std::vector<std::uint32_t> user;
  std::vector<std::uint32_t> item;
  std::vector<Micros> ts;
  std::vector<EventType> type;
  /// Number of the row's basket within its user, rising with time: rows of one order_id share it;
  /// without an order_id rows of one moment do (each row its own where time is ordinal).
  std::vector<std::uint32_t> basket;
  std::vector<std::size_t> user_begin;  ///< users.size() + 1 offsets into the rows

  bool ordinal_time = false;
  Micros window_from;
  Micros window_to;
  std::string snapshot;  ///< hash of the snapshot the rows come from

  [[nodiscard]] std::size_t rows() const { return item.size(); }
};

/// Newest row of every catalogue item, same numbering as Interactions::items (items that only the
/// catalogue knows are in both). Items without a catalogue row have only their id.
struct ItemTable {
  std::vector<Item> rows;
};

}  // namespace vitrine::data
