#include "monitor/contract/window_counts.h"

#include <algorithm>
#include <cstddef>

namespace vitrine::monitor {

namespace {

constexpr std::size_t kHoursOfDay = 24;

void Add(const RuleCounts& hour, RuleCounts& day) {
  day.rows += hour.rows;
  day.hits += hour.hits;
  day.squares += hour.squares;
  day.sum += hour.sum;
  day.longest = std::max(day.longest, hour.longest);
}

}  // namespace

std::vector<ContractWindow> DaysOf(const std::vector<ContractWindow>& hours) {
  std::vector<ContractWindow> days;
  std::size_t parts = 0;
  for (const ContractWindow& hour : hours) {
    const std::int64_t from = hour.from.value / kMicrosPerDay * kMicrosPerDay;
    if (days.empty() || days.back().from.value != from) {
      if (!days.empty() && parts != kHoursOfDay) {
        days.back().whole = false;
      }
      days.push_back({.from = {from}, .whole = true, .rules = {}, .examples = {}});
      days.back().rules.resize(hour.rules.size());
      parts = 0;
    }
    ContractWindow& day = days.back();
    for (std::size_t r = 0; r < hour.rules.size(); ++r) {
      Add(hour.rules[r], day.rules[r]);
    }
    for (std::size_t r = 0; r < hour.examples.size(); ++r) {
      day.examples.resize(hour.examples.size());
      if (!hour.examples[r].empty()) {
        day.examples[r] = hour.examples[r];
      }
    }
    day.whole = day.whole && hour.whole;
    ++parts;
  }
  if (!days.empty() && parts != kHoursOfDay) {
    days.back().whole = false;
  }
  return days;
}

}  // namespace vitrine::monitor
