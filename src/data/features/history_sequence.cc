#include "data/features/history_sequence.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "data/features/options.h"

namespace vitrine::data::features {
namespace {
constexpr std::uint32_t kAllTypes = (1U << kEventTypes) - 1;
constexpr std::uint32_t kStandardTypes =
    kAllTypes & ~(1U << static_cast<unsigned>(EventType::kImpression));
constexpr std::int64_t kLongest = 1 << 20;
constexpr std::int64_t kLongestFixed = 1 << 12;  // every row of a batch is as wide

std::uint64_t Mixed(std::uint64_t x) {
  // splitmix64's finaliser (Steele et al. 2014): neighbours land far apart.
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Open addressing over a table at least twice as large as what goes in; 0 is an empty slot, and no
/// key is 0 because removed places (item 0) are not entered.
class PairSet {
 public:
  PairSet(std::vector<std::uint64_t>& slots, std::size_t most) : slots_(slots) {
    slots_.assign(std::bit_ceil(2 * most + 1), 0);
  }
  bool Insert(std::uint64_t key) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = Mixed(key) & mask;
    while (slots_[at] != 0) {
      if (slots_[at] == key) {
        return false;
      }
      at = (at + 1) & mask;
    }
    slots_[at] = key;
    return true;
  }

 private:
  std::vector<std::uint64_t>& slots_;
};

/// Appends what counts, oldest first: the order in which repeats are told apart.
void SelectEvents(const Selection& selection, std::span<const HistoryEvent> history,
                  SequencePlaces& places) {
  PairSet seen(places.seen, selection.distinct ? history.size() : 0);
  for (std::size_t i = 0; i < history.size(); ++i) {
    const HistoryEvent& event = history[i];
    if ((selection.types >> static_cast<unsigned>(event.type) & 1U) == 0) {
      continue;
    }
    if (selection.distinct && event.item != kPaddingItem &&
        !seen.Insert(std::uint64_t{event.item} << 32 | event.basket)) {
      continue;
    }
    places.event.push_back(static_cast<std::uint32_t>(i));
  }
}

/// Baskets rise with time, so that walking back a counter does; interleaved ones are ranked.
void AgeBaskets(std::span<const HistoryEvent> history, std::span<const std::uint32_t> events,
                std::span<std::uint32_t> ages, std::vector<std::uint32_t>& scratch) {
  bool falling = true;
  std::uint32_t age = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i > 0) {
      const std::uint32_t newer = history[events[i - 1]].basket;
      const std::uint32_t basket = history[events[i]].basket;
      falling = falling && basket <= newer;
      age += basket != newer ? 1 : 0;
    }
    ages[i] = age;
  }
  if (falling) {
    return;
  }
  scratch.clear();
  for (const std::uint32_t event : events) {
    scratch.push_back(history[event].basket);
  }
  std::sort(scratch.begin(), scratch.end(), std::greater<>());
  scratch.erase(std::unique(scratch.begin(), scratch.end()), scratch.end());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto at = std::lower_bound(scratch.begin(), scratch.end(), history[events[i]].basket,
                                     std::greater<>());
    ages[i] = static_cast<std::uint32_t>(at - scratch.begin());
  }
}
}  // namespace

Result<Selection> ParseSelection(const FeatureDef& def) {
  Selection selection;
  const auto name = def.options.find("sequence");
  selection.sequence = name == def.options.end() ? "main" : name->second;
  ASSIGN_OR_RETURN(const std::int64_t length, IntOption(def, "length", 50, 1, kLongest));
  selection.length = static_cast<std::size_t>(length);
  ASSIGN_OR_RETURN(selection.fixed, FlagOption(def, "fixed", false));
  if (selection.fixed && length > kLongestFixed) {
    return FeatureError(def, "option fixed takes a length of " + std::to_string(kLongestFixed) +
                                 " at most; shorten it, or leave fixed out");
  }
  ASSIGN_OR_RETURN(selection.distinct, FlagOption(def, "distinct", false));
  ASSIGN_OR_RETURN(selection.types, EventsOption(def, "events", kStandardTypes));
  return selection;
}

void SelectPlaces(const Selection& selection, std::span<const FeatureInput> inputs,
                  SequencePlaces& places) {
  places.event.clear();
  places.begin.assign(1, 0);
  places.width = selection.fixed ? selection.length : 1;
  for (const FeatureInput& input : inputs) {
    const std::size_t begin = places.event.size();
    SelectEvents(selection, input.history, places);
    // Newest first, and no more of them than asked.
    std::reverse(places.event.begin() + static_cast<std::ptrdiff_t>(begin), places.event.end());
    const std::size_t count = std::min(places.event.size() - begin, selection.length);
    places.event.resize(begin + count);
    places.begin.push_back(places.event.size());
    places.width = std::max(places.width, count);
    places.basket_age.resize(places.event.size());
    AgeBaskets(input.history, std::span(places.event).subspan(begin),
               std::span(places.basket_age).subspan(begin), places.baskets);
  }
}

}  // namespace vitrine::data::features
