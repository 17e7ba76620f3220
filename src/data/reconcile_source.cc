#include "data/reconcile_source.h"

#include <array>
#include <cstddef>

namespace vitrine::data {

namespace {
constexpr std::array<std::string_view, 3> kKeys = {"order", "order_item", "event"};
}  // namespace

std::string_view ReconcileKeyName(ReconcileKey key) {
  return kKeys.at(static_cast<std::size_t>(key));
}

std::optional<ReconcileKey> ParseReconcileKey(std::string_view name) {
  for (std::size_t k = 0; k < kKeys.size(); ++k) {
    if (kKeys[k] == name) {
      return static_cast<ReconcileKey>(k);
    }
  }
  return std::nullopt;
}

}  // namespace vitrine::data
