#include "data/histories.h"

namespace vitrine::data {

std::vector<ItemIndex> IndexItems(std::span<const std::string> ids, const Vocabulary& vocabulary) {
  std::vector<ItemIndex> index;
  index.reserve(ids.size());
  for (const std::string& id : ids) {
    index.push_back(vocabulary.Find(id));
  }
  return index;
}

History HistoryOfRows(const Interactions& interactions, std::span<const std::size_t> rows,
                      std::span<const ItemIndex> index) {
  History history;
  history.reserve(rows.size());
  for (const std::size_t r : rows) {
    history.push_back({index[interactions.item[r]], interactions.ts[r], interactions.type[r],
                       interactions.basket[r]});
  }
  return history;
}

History HistoryOfEvents(std::span<const SeenEvent> events, const Vocabulary& vocabulary) {
  History history;
  history.reserve(events.size());
  for (const SeenEvent& event : events) {
    history.push_back({vocabulary.Find(event.item_id), event.ts, event.type, event.basket});
  }
  return history;
}

void HistoryOfState(std::span<const StateEvent> events, std::span<const ItemIndex> index,
                    History& history) {
  history.clear();
  for (const StateEvent& event : events) {
    history.push_back({event.item < index.size() ? index[event.item] : kUnknownItem, event.ts,
                       event.type, event.basket});
  }
}

}  // namespace vitrine::data
