/// Another system's export that our rows are compared with, day by day: where it lies, which columns
/// say what, and how far the two may differ. Read from TOML by adapters/toml; docs/contract.md is its
/// manual.
/// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/mapping.h"

namespace vitrine::data {

/// What both sides call the same thing by.
enum class ReconcileKey : std::uint8_t {
  kOrder,      ///< order_id: an order's rows are added up
  kOrderItem,  ///< order_id and item_id
  kEvent,      ///< event_id
};
std::string_view ReconcileKeyName(ReconcileKey key);
std::optional<ReconcileKey> ParseReconcileKey(std::string_view name);

struct ReconcileSource {
  std::string name;
  std::vector<std::string> paths;  ///< files, or folders whose files fit the mapping's names
  Mapping mapping;  ///< one source of events; their price is the amount where no quantity is bound
  ReconcileKey key = ReconcileKey::kOrder;
  std::string event = "purchase";  ///< ours that it is compared with
  double rows_tolerance = 0;       ///< share of a day's ids that may be missing, extra or different
  double amount_tolerance = 0;     ///< share of a day's amount by which the sums may differ
  double difference = 0.005;       ///< by which one id's amounts may differ, in its currency
};

}  // namespace vitrine::data
