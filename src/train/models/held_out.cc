#include "train/models/held_out.h"

#include <algorithm>

namespace vitrine::train {
namespace {

bool Holds(const History& history, ItemIndex item) {
  return std::any_of(history.begin(), history.end(),
                     [item](const HistoryEvent& e) { return e.item == item; });
}

/// Where the newest basket of the first `size` events begins.
std::size_t NewestBegins(const History& history, std::size_t size) {
  std::size_t begin = size;
  while (begin > 0 && history[begin - 1].basket == history[size - 1].basket) {
    --begin;
  }
  return begin;
}

}  // namespace

std::size_t HeldOut::lists() const {
  return static_cast<std::size_t>(std::count_if(targets.begin(), targets.end(),
                                                [](const auto& items) { return !items.empty(); }));
}

Result<HeldOut> HoldOutNewest(const TrainingSequences& sequences, std::size_t later) {
  HeldOut held{.rest = sequences, .targets = {}};
  held.targets.resize(sequences.users.size());
  for (std::size_t u = 0; u < sequences.users.size(); ++u) {
    History& history = held.rest.users[u];
    for (std::size_t basket = 0; basket < later; ++basket) {
      const std::size_t begin = NewestBegins(history, history.size());
      history.resize(begin > 0 ? begin : history.size());
    }
    const std::size_t begin = NewestBegins(history, history.size());
    if (begin == 0) {
      continue;
    }
    std::vector<ItemIndex>& items = held.targets[u];
    for (std::size_t i = begin; i < history.size(); ++i) {
      if (history[i].item >= kFirstItem) {
        items.push_back(history[i].item);
      }
    }
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
    history.resize(begin);
  }
  if (held.lists() == 0) {
    return InvalidArgument(
        "no user has two baskets, so nothing can be held out to learn an order of candidates from; "
        "collect more events, or train one of the members alone");
  }
  return held;
}

double RepeatShare(const HeldOut& held) {
  double repeats = 0;
  double all = 0;
  for (std::size_t u = 0; u < held.targets.size(); ++u) {
    for (const ItemIndex item : held.targets[u]) {
      repeats += Holds(held.rest.users[u], item) ? 1 : 0;
      all += 1;
    }
  }
  return all > 0 ? repeats / all : 0;
}

void DropRepeats(HeldOut& held) {
  for (std::size_t u = 0; u < held.targets.size(); ++u) {
    std::erase_if(held.targets[u], [&](ItemIndex item) { return Holds(held.rest.users[u], item); });
  }
}

}  // namespace vitrine::train
