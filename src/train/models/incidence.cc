#include "train/models/incidence.h"

#include <fmt/format.h>

#include <algorithm>

namespace vitrine::train {

Result<Incidence> IncidenceOf(const TrainingSequences& sequences) {
  Incidence incidence;
  std::vector<ItemIndex> own;
  for (const History& history : sequences.users) {
    own.clear();
    for (const HistoryEvent& e : history) {
      if (e.item >= sequences.width) {
        return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                           e.item, sequences.width - 1));
      }
      if (e.item >= kFirstItem) {
        own.push_back(e.item);
      }
    }
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    incidence.items.insert(incidence.items.end(), own.begin(), own.end());
    incidence.user_begin.push_back(incidence.items.size());
  }
  incidence.item_begin.assign(sequences.width + 1, 0);
  for (const ItemIndex item : incidence.items) {
    ++incidence.item_begin[item + 1];
  }
  for (std::size_t i = 0; i < sequences.width; ++i) {
    incidence.item_begin[i + 1] += incidence.item_begin[i];
  }
  incidence.users.resize(incidence.items.size());
  std::vector<std::size_t> next = incidence.item_begin;
  for (std::size_t u = 0; u + 1 < incidence.user_begin.size(); ++u) {
    for (const ItemIndex item : incidence.ItemsOf(u)) {
      incidence.users[next[item]++] = static_cast<std::uint32_t>(u);
    }
  }
  return incidence;
}

}  // namespace vitrine::train
