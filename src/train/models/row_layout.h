/// Which column of labelled rows is what to a network. No LibTorch. Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "train/ranker.h"

namespace vitrine::train {

/// Columns by kind, in their order, and where the vectors of each stand in the one table that holds
/// those of all levels, items and histories.
struct RowLayout {
  struct Indexed {
    std::size_t column;   ///< among the columns
    std::int64_t offset;  ///< row of the table for index 0
  };
  std::vector<RankerColumn> columns;
  std::vector<std::size_t> numbers;  ///< columns
  std::vector<Indexed> levels;       ///< kLevel and kItem
  std::vector<Indexed> histories;
  std::optional<std::size_t> item;  ///< the kItem one among `levels`, the first of several
  std::int64_t rows = 0;            ///< of the table

  [[nodiscard]] std::int64_t width(const Indexed& indexed) const {
    return static_cast<std::int64_t>(columns[indexed.column].width);
  }
};

/// `share_items`: a history of as many items as the item column stands at that column's rows.
RowLayout LayoutOf(std::vector<RankerColumn> columns, bool share_items);

}  // namespace vitrine::train
