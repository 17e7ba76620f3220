#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "monitor/outcomes/list_behaviour.h"
#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

/// After so many actions all counts are halved: what is popular follows the last ones.
constexpr double kMostActions = 1 << 20;
constexpr double kHeadShare = 0.05;

}  // namespace

ItemsSeen::ItemsSeen()
    : counters_(2 * kCounters), items_(kCategorySlots), categories_(kCategorySlots) {}

std::uint32_t ItemsSeen::CountOf(std::uint64_t item) const {
  return std::min(counters_[item % kCounters], counters_[kCounters + (item >> 32U) % kCounters]);
}

void ItemsSeen::OnAction(std::uint64_t item) {
  ++counters_[item % kCounters];
  ++counters_[kCounters + (item >> 32U) % kCounters];
  actions_ += 1;
  if (actions_ >= kMostActions) {
    for (std::uint32_t& counter : counters_) {
      counter /= 2;
    }
    actions_ /= 2;
  }
}

double ItemsSeen::Information(std::uint64_t item) const {
  if (actions_ == 0) {
    return 0;
  }
  return std::max(0.0, std::log2(actions_ / std::max(0.5, static_cast<double>(CountOf(item)))));
}

void ItemsSeen::FindHead() {
  std::vector<std::uint32_t> counts;
  std::copy_if(counters_.begin(), counters_.begin() + kCounters, std::back_inserter(counts),
               [](std::uint32_t count) { return count > 0; });
  if (counts.empty()) {
    return;
  }
  const auto at = static_cast<std::ptrdiff_t>(kHeadShare * static_cast<double>(counts.size()));
  std::nth_element(counts.begin(), counts.begin() + at, counts.end(), std::greater<>());
  head_from_ = counts[static_cast<std::size_t>(at)];
}

std::size_t ItemsSeen::SlotOf(std::uint32_t item) const {
  std::size_t slot = item % kCategorySlots;
  while (items_[slot] != 0 && items_[slot] != item) {
    slot = slot + 1 == kCategorySlots ? 0 : slot + 1;
  }
  return slot;
}

void ItemsSeen::OnItem(std::uint64_t item, std::string_view category) {
  const auto key = std::max(1U, static_cast<std::uint32_t>(item >> 16U));
  const std::size_t slot = SlotOf(key);
  if (category.empty() || (items_[slot] == 0 && categorised_ == kMostCategorised)) {
    return;
  }
  categorised_ += items_[slot] == 0 ? 1 : 0;
  items_[slot] = key;
  categories_[slot] =
      static_cast<std::uint16_t>(std::max<std::uint64_t>(1, StableHash(category) & 0xFFFFU));
}

std::uint16_t ItemsSeen::CategoryOf(std::uint64_t item) const {
  const std::size_t slot = SlotOf(std::max(1U, static_cast<std::uint32_t>(item >> 16U)));
  return items_[slot] == 0 ? 0 : categories_[slot];
}

json ItemsSeen::Save() const {
  // Pairs of what is not empty: most is.
  json counters = json::array();
  for (std::size_t at = 0; at < counters_.size(); ++at) {
    if (counters_[at] > 0) {
      counters.push_back(at);
      counters.push_back(counters_[at]);
    }
  }
  json categories = json::array();
  for (std::size_t slot = 0; slot < kCategorySlots; ++slot) {
    if (items_[slot] != 0) {
      categories.push_back(items_[slot]);
      categories.push_back(categories_[slot]);
    }
  }
  return {{"counters", std::move(counters)},
          {"actions", actions_},
          {"head_from", head_from_},
          {"categories", std::move(categories)}};
}

void ItemsSeen::Load(const json& saved) {
  ItemsSeen read;
  const json& counters = saved.at("counters");
  for (std::size_t i = 0; i + 1 < counters.size(); i += 2) {
    read.counters_.at(std::min<std::size_t>(counters[i].get<std::size_t>(), 2 * kCounters - 1)) =
        counters[i + 1].get<std::uint32_t>();
  }
  read.actions_ = saved.at("actions").get<double>();
  read.head_from_ = saved.at("head_from").get<std::uint32_t>();
  const json& categories = saved.at("categories");
  for (std::size_t i = 0; i + 1 < categories.size() && read.categorised_ < kMostCategorised;
       i += 2) {
    const auto item = std::max(1U, categories[i].get<std::uint32_t>());
    const std::size_t slot = read.SlotOf(item);
    read.items_[slot] = item;
    read.categories_[slot] = categories[i + 1].get<std::uint16_t>();
    ++read.categorised_;
  }
  *this = std::move(read);
}

}  // namespace vitrine::monitor
