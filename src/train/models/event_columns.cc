#include "train/models/event_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace vitrine::train {

Result<EventColumns> ColumnsOf(const TrainingSequences& sequences) {
  EventColumns columns;
  columns.newest = {std::numeric_limits<std::int64_t>::min()};
  columns.item_begin.assign(sequences.width + 1, 0);
  for (std::size_t u = 0; u < sequences.users.size(); ++u) {
    for (const HistoryEvent& e : sequences.users[u]) {
      if (e.item >= sequences.width) {
        return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                           e.item, sequences.width - 1));
      }
      columns.item.push_back(e.item);
      columns.user.push_back(static_cast<std::uint32_t>(u));
      columns.basket.push_back(e.basket);
      columns.ts.push_back(e.ts);
      columns.newest = std::max(columns.newest, e.ts);
      ++columns.item_begin[e.item + 1];
    }
    if (!sequences.weights.empty()) {
      columns.weight.insert(columns.weight.end(), sequences.weights[u].begin(),
                            sequences.weights[u].end());
    }
    columns.user_begin.push_back(columns.item.size());
  }
  for (std::size_t i = 0; i < sequences.width; ++i) {
    columns.item_begin[i + 1] += columns.item_begin[i];
  }
  columns.events.resize(columns.item.size());
  std::vector<std::size_t> next(columns.item_begin.begin(), columns.item_begin.end() - 1);
  for (std::size_t e = 0; e < columns.item.size(); ++e) {
    columns.events[next[columns.item[e]]++] = e;
  }
  return columns;
}

}  // namespace vitrine::train
