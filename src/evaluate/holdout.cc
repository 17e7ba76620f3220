#include "evaluate/holdout.h"

#include <algorithm>
#include <limits>

namespace vitrine::evaluate {

std::size_t Holdout::CountOf(Part part) const {
  return static_cast<std::size_t>(std::count_if(
      cases.begin(), cases.end(), [&](const HoldoutCase& c) { return c.part == part; }));
}

Holdout MakeHoldout(const data::Interactions& interactions, const Split& split,
                    const Protocol& protocol) {
  Holdout out;
  out.protocol = protocol.name;
  out.snapshot = interactions.snapshot;
  out.ordinal_time = interactions.ordinal_time;
  out.history = protocol.history;
  out.ks = protocol.ks;
  out.users = interactions.users.size();
  out.catalogue_items = interactions.items.size();
  for (const SliceDef& slice : protocol.slices) {
    out.slices.push_back(slice.name);
  }
  constexpr std::uint32_t kNew = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> place(interactions.items.size(), kNew);
  const auto local = [&](std::uint32_t item) {
    if (place[item] == kNew) {
      place[item] = static_cast<std::uint32_t>(out.items.size());
      out.items.push_back(interactions.items[item]);
    }
    return place[item];
  };
  out.cases.reserve(split.cases.size());
  for (const Case& c : split.cases) {
    HoldoutCase& made = out.cases.emplace_back();
    made.part = c.part;
    made.user = interactions.users[c.user];
    made.slices = c.slices;
    for (const std::size_t row : split.HistoryRows(c)) {
      made.history.push_back({local(interactions.item[row]), interactions.ts[row],
                              interactions.type[row], interactions.basket[row]});
    }
    for (const std::uint32_t item : split.Targets(c)) {
      made.target.push_back(local(item));
    }
  }
  return out;
}

}  // namespace vitrine::evaluate
