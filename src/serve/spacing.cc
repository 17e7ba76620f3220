#include "serve/spacing.h"

#include <algorithm>

namespace vitrine::serve {

bool SpacedPlaces::Fits(const Likeness& item) const {
  const auto same_brand = [&item](const Likeness& other) { return other.brand == item.brand; };
  const auto same_category = [&item](const Likeness& other) {
    return other.category == item.category;
  };
  if (item.brand != 0 && spacing_->max_per_brand > 0 &&
      std::count_if(items_->begin(), items_->end(), same_brand) >= spacing_->max_per_brand) {
    return false;
  }
  if (item.category != 0 && spacing_->max_per_category > 0 &&
      std::count_if(items_->begin(), items_->end(), same_category) >= spacing_->max_per_category) {
    return false;
  }
  if (item.brand == 0 || spacing_->brand_gap == 0) {
    return true;
  }
  const auto gap = std::min<std::ptrdiff_t>(spacing_->brand_gap, std::ssize(*items_));
  return std::none_of(items_->end() - gap, items_->end(), same_brand);
}

std::vector<std::uint32_t> Arrange(const Spacing& spacing, std::span<const Likeness> items,
                                   std::size_t n, bool all) {
  std::vector<std::uint32_t> order;
  std::vector<bool> taken(items.size());
  std::vector<Likeness> memory;
  SpacedPlaces placed(spacing, memory);
  while (order.size() < std::min(n, items.size())) {
    std::size_t first_left = items.size();
    std::size_t chosen = items.size();
    for (std::size_t i = 0; i < items.size() && chosen == items.size(); ++i) {
      if (taken[i]) {
        continue;
      }
      first_left = std::min(first_left, i);
      if (placed.Fits(items[i])) {
        chosen = i;
      }
    }
    if (chosen == items.size()) {
      if (!all) {
        break;
      }
      chosen = first_left;
    }
    taken[chosen] = true;
    placed.Add(items[chosen]);
    order.push_back(static_cast<std::uint32_t>(chosen));
  }
  return order;
}

}  // namespace vitrine::serve
