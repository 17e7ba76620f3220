/// For tests: shops whose next purchases are known, and the features of a model without a snapshot.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "data/feature_spec.h"
#include "train/model.h"
#include "train/sequences.h"

namespace vitrine::train::test {

inline data::FeatureSpec FeaturesForTest(const TrainableModel& model, std::size_t width) {
  std::vector<std::string> ids;
  for (std::size_t i = kFirstItem; i < width; ++i) {
    ids.push_back("i" + std::to_string(i));
  }
  data::Interactions none;
  none.items = ids;
  std::sort(none.items.begin(), none.items.end());
  none.user_begin = {0};
  data::ItemTable items;
  for (const std::string& id : none.items) {
    items.rows.emplace_back().id = id;
  }
  Result<data::FeatureSpec> spec =
      data::FeatureSpec::Fit(model.Features(), none, items, data::Vocabulary(ids),
                             Micros{std::numeric_limits<std::int64_t>::max()});
  CHECK(spec.ok());
  return std::move(spec).value();
}

/// Each item a basket of its own.
inline History HistoryForTest(const std::vector<ItemIndex>& items) {
  History history;
  for (const ItemIndex item : items) {
    const auto place = static_cast<std::uint32_t>(history.size());
    history.push_back({.item = item,
                       .ts = {std::int64_t{place} * kMicrosPerDay},
                       .type = EventType::kPurchase,
                       .basket = place});
  }
  return history;
}

}  // namespace vitrine::train::test
