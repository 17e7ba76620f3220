#include <array>

#include "serve/reason.h"

namespace vitrine::serve {

// In the order of the causes; part of the API.
std::string_view AbsenceCauseName(AbsenceCause cause) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(AbsenceCause::kOutranked) + 1>
      kNames = {"shown",          "down",           "out_of_stock", "not_in_catalogue",
                "hidden_by_rule", "hidden_by_user", "bought",       "seen",
                "excluded",       "not_included",   "no_match",     "asked_about",
                "not_in_model",   "not_candidate",  "brand_limit",  "category_limit",
                "brand_gap",      "too_alike",      "made_room",    "moved_by_rules",
                "pinned",         "outranked"};
  return kNames.at(static_cast<std::size_t>(cause));
}

}  // namespace vitrine::serve
