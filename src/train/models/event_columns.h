/// Every history one after another as columns, and where each item stands in them: what counting by item
/// walks over. 28 bytes an event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "train/sequences.h"

namespace vitrine::train {

/// Event e is {item[e], basket[e], ts[e]} of user[e]; events of a user stand together, oldest first. Unknown
/// items keep their places.
struct EventColumns {
  std::vector<ItemIndex> item;
  std::vector<std::uint32_t> user;
  std::vector<std::uint32_t> basket;
  std::vector<Micros> ts;
  std::vector<float> weight;  ///< as an example; empty: all 1
  std::vector<std::size_t> user_begin = {0};
  std::vector<std::size_t> item_begin;  ///< width + 1 offsets into `events`
  std::vector<std::size_t> events;      ///< of each item, rising
  Micros newest;                        ///< of all events

  [[nodiscard]] double WeightOf(std::size_t event) const {
    return weight.empty() ? 1 : static_cast<double>(weight[event]);
  }
  [[nodiscard]] std::span<const std::size_t> EventsOf(std::size_t item_index) const {
    return std::span(events).subspan(item_begin[item_index],
                                     item_begin[item_index + 1] - item_begin[item_index]);
  }
};

/// Errors: kInvalidArgument (an item outside the vocabulary).
Result<EventColumns> ColumnsOf(const TrainingSequences& sequences);

}  // namespace vitrine::train
