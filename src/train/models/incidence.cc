#include "train/models/incidence.h"

#include <fmt/format.h>

#include <algorithm>

namespace vitrine::train {

namespace {

struct Pair {
  ItemIndex item;
  float weight;
};

/// The known items of one user, each once, rising, as heavy as its heaviest event.
Status PairsOf(const TrainingSequences& sequences, std::size_t user, std::vector<Pair>& pairs) {
  pairs.clear();
  const History& history = sequences.users[user];
  for (std::size_t e = 0; e < history.size(); ++e) {
    if (history[e].item >= sequences.width) {
      return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                         history[e].item, sequences.width - 1));
    }
    const float weight = sequences.weights.empty() ? 1 : sequences.weights[user][e];
    if (history[e].item >= kFirstItem && weight > 0) {
      pairs.push_back({history[e].item, weight});
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return a.item != b.item ? a.item < b.item : a.weight > b.weight;
  });
  pairs.erase(std::unique(pairs.begin(), pairs.end(),
                          [](const Pair& a, const Pair& b) { return a.item == b.item; }),
              pairs.end());
  return Status::Ok();
}

}  // namespace

Result<Incidence> IncidenceOf(const TrainingSequences& sequences) {
  Incidence incidence;
  std::vector<Pair> own;
  for (std::size_t u = 0; u < sequences.users.size(); ++u) {
    RETURN_IF_ERROR(PairsOf(sequences, u, own));
    for (const Pair& pair : own) {
      incidence.items.push_back(pair.item);
      if (!sequences.weights.empty()) {
        incidence.item_weights.push_back(pair.weight);
      }
    }
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
  incidence.user_weights.resize(incidence.item_weights.size());
  std::vector<std::size_t> next = incidence.item_begin;
  for (std::size_t u = 0; u + 1 < incidence.user_begin.size(); ++u) {
    for (std::size_t p = incidence.user_begin[u]; p < incidence.user_begin[u + 1]; ++p) {
      const std::size_t to = next[incidence.items[p]]++;
      incidence.users[to] = static_cast<std::uint32_t>(u);
      if (!incidence.item_weights.empty()) {
        incidence.user_weights[to] = incidence.item_weights[p];
      }
    }
  }
  return incidence;
}

}  // namespace vitrine::train
