/// Which users have which items, without order or repeats: what similarity between items is counted from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "train/sequences.h"

namespace vitrine::train {

/// Who has what, both ways. items_of(u) is users[user_begin[u]..], and so on; 4 bytes a pair each.
struct Incidence {
  std::vector<std::size_t> user_begin = {0};
  std::vector<ItemIndex> items;  ///< distinct items of each user, rising
  std::vector<std::size_t> item_begin;
  std::vector<std::uint32_t> users;  ///< users of each item, rising
  /// Of each pair, its heaviest event as an example; empty where nothing is weighed. Pairs of weight 0 are none.
  std::vector<float> item_weights;  ///< along items
  std::vector<float> user_weights;  ///< along users

  [[nodiscard]] std::span<const ItemIndex> ItemsOf(std::size_t user) const {
    return std::span(items).subspan(user_begin[user], user_begin[user + 1] - user_begin[user]);
  }
  /// Along ItemsOf(user) and UsersOf(item); empty: all 1.
  [[nodiscard]] std::span<const float> ItemWeightsOf(std::size_t user) const {
    return item_weights.empty()
               ? std::span<const float>()
               : std::span(item_weights)
                     .subspan(user_begin[user], user_begin[user + 1] - user_begin[user]);
  }
  [[nodiscard]] std::span<const float> UserWeightsOf(std::size_t item) const {
    return user_weights.empty()
               ? std::span<const float>()
               : std::span(user_weights)
                     .subspan(item_begin[item], item_begin[item + 1] - item_begin[item]);
  }
  [[nodiscard]] std::span<const std::uint32_t> UsersOf(std::size_t item) const {
    return std::span(users).subspan(item_begin[item], item_begin[item + 1] - item_begin[item]);
  }
};

/// Errors: kInvalidArgument (an item outside the vocabulary).
Result<Incidence> IncidenceOf(const TrainingSequences& sequences);

}  // namespace vitrine::train
