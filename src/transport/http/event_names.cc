#include "transport/http/event_names.h"

#include <algorithm>
#include <array>

namespace vitrine::http {
namespace {

struct Alias {
  std::string_view name;
  EventType type;
};

// In the order of names, for the search below.
constexpr std::array kAliases = {
    Alias{"Order Completed", EventType::kPurchase},
    Alias{"Order Refunded", EventType::kReturn},
    Alias{"Product Added", EventType::kCart},
    Alias{"Product Added to Wishlist", EventType::kFavourite},
    Alias{"Product Clicked", EventType::kClick},
    Alias{"Product List Viewed", EventType::kImpression},
    Alias{"Product Reviewed", EventType::kRating},
    Alias{"Product Shared", EventType::kShare},
    Alias{"Product Viewed", EventType::kView},
    Alias{"Products Searched", EventType::kSearch},
    Alias{"add-to-cart", EventType::kCart},
    Alias{"add_to_cart", EventType::kCart},
    Alias{"add_to_wishlist", EventType::kFavourite},
    Alias{"buy", EventType::kPurchase},
    Alias{"category-page-view", EventType::kImpression},
    Alias{"collect", EventType::kFavourite},
    Alias{"detail-page-view", EventType::kView},
    Alias{"expose", EventType::kImpression},
    Alias{"favorite", EventType::kFavourite},
    Alias{"purchase-complete", EventType::kPurchase},
    Alias{"refund", EventType::kReturn},
    Alias{"select_item", EventType::kClick},
    Alias{"view_item", EventType::kView},
    Alias{"view_item_list", EventType::kImpression},
    Alias{"view_search_results", EventType::kSearch},
};
static_assert(std::is_sorted(kAliases.begin(), kAliases.end(),
                             [](const Alias& a, const Alias& b) { return a.name < b.name; }));

}  // namespace

std::optional<EventType> EventTypeOf(std::string_view name) {
  if (const auto canonical = ParseEventType(name)) {
    return canonical;
  }
  const auto found =
      std::lower_bound(kAliases.begin(), kAliases.end(), name,
                       [](const Alias& alias, std::string_view n) { return alias.name < n; });
  if (found == kAliases.end() || found->name != name) {
    return std::nullopt;
  }
  return found->type;
}

}  // namespace vitrine::http
