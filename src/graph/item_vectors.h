/// items.f32: the item vectors of an artifact whose graph answers a query vector. A score is the inner
/// product of the two.
/// Layout, little-endian:
///   offset  bytes
///        0      8  "VTRITEMS"
///        8      4  format, 1
///       12      4  flags; bit 0: the last value of a row is the item's bias (the query's is 1 there)
///       16      8  rows: the vocabulary's width, padding and unknown included
///       24      4  width: values a row
///       28     36  zeros
///       64         rows x width float32, row by row
/// The file ends with the last value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::graph {

inline constexpr std::string_view kItemVectorsFile = "items.f32";
/// Longer rows are refused.
inline constexpr std::size_t kWidestItemVector = 16'384;

struct ItemVectors {
  std::size_t rows = 0;
  std::size_t width = 0;
  bool bias = false;
  std::vector<float> values;  ///< [rows, width]

  /// Values of a query: `width` less the bias.
  [[nodiscard]] std::size_t query_width() const { return width - (bias ? 1 : 0); }
};

/// Errors: kInvalidArgument (no width or too wide, values are not rows x width).
Result<std::string> ItemVectorsToBytes(const ItemVectors& vectors);
/// Errors: kInvalidArgument (another file, a size or flag that cannot be, not as long as its header says),
///         kFailedPrecondition (a newer format).
Result<ItemVectors> ParseItemVectors(std::string_view bytes);

}  // namespace vitrine::graph
