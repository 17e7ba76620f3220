/// The one step that decides which events of a history become places of a sequence. All sequence
/// tensors of a spec are written from its answer, so that they stay aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/feature_spec.h"

namespace vitrine::data::features {

/// Which events count, and how many.
struct Selection {
  std::string sequence;     ///< its name; features of one name must select the same
  std::size_t length = 50;  ///< newest places kept
  bool fixed = false;       ///< always `length` places wide, however short the histories are
  bool distinct = false;    ///< of equal (item, basket) pairs only the oldest stays
  std::uint32_t types = 0;  ///< bits 1 << EventType
  friend bool operator==(const Selection&, const Selection&) = default;
};

/// Reads options sequence, length, fixed, distinct, events. Impressions never count unless named.
/// Errors: kInvalidArgument.
Result<Selection> ParseSelection(const FeatureDef& def);

/// The places of a batch. Input b's are [begin[b], begin[b + 1]), newest first.
struct SequencePlaces {
  std::vector<std::uint32_t> event;       ///< index into the input's history
  std::vector<std::uint32_t> basket_age;  ///< distinct newer baskets among the places
  std::vector<std::size_t> begin;
  std::size_t width = 1;               ///< of the longest input, at least 1
  std::vector<std::uint64_t> seen;     // scratch: hash set of (item, basket)
  std::vector<std::uint32_t> baskets;  // scratch
};

/// Fills `places`; keeps its capacity. A removed place (item 0) is never a repeat of another.
void SelectPlaces(const Selection& selection, std::span<const FeatureInput> inputs,
                  SequencePlaces& places);

}  // namespace vitrine::data::features
