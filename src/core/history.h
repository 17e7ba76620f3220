/// What a user did, as models see it. The one shape that training, evaluation and serving hand to
/// the FeatureSpec, so that the three cannot differ.
#pragma once

#include <cstdint>
#include <vector>

#include "core/event.h"
#include "core/time.h"

namespace vitrine {

/// Dense item number inside one artifact: 0 padding, 1 unknown, 2.. the vocabulary in order.
using ItemIndex = std::uint32_t;
inline constexpr ItemIndex kPaddingItem = 0;
inline constexpr ItemIndex kUnknownItem = 1;
inline constexpr ItemIndex kFirstItem = 2;

struct HistoryEvent {
  ItemIndex item = kPaddingItem;
  Micros ts;
  EventType type = EventType::kView;
  /// Events of one order (or, without an order, of one moment) share a basket; rises with time.
  std::uint32_t basket = 0;
  friend bool operator==(const HistoryEvent&, const HistoryEvent&) = default;
};

/// Oldest first.
using History = std::vector<HistoryEvent>;

}  // namespace vitrine
