#include "train/models/row_layout.h"

#include <cstddef>
#include <utility>

namespace vitrine::train {

RowLayout LayoutOf(std::vector<RankerColumn> columns, bool share_items) {
  RowLayout layout;
  layout.columns = std::move(columns);
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const RankerColumn& column = layout.columns[i];
    if (column.kind == RankerColumnKind::kNumber) {
      layout.numbers.push_back(i);
    } else if (column.kind != RankerColumnKind::kHistory) {
      if (column.kind == RankerColumnKind::kItem && !layout.item) {
        layout.item = layout.levels.size();
      }
      layout.levels.push_back({i, layout.rows});
      layout.rows += static_cast<std::int64_t>(column.width);
    }
  }
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const RankerColumn& column = layout.columns[i];
    if (column.kind != RankerColumnKind::kHistory) {
      continue;
    }
    if (share_items && layout.item.has_value()) {
      const RowLayout::Indexed& item = layout.levels[*layout.item];
      if (layout.columns[item.column].width == column.width) {
        layout.histories.push_back({i, item.offset});
        continue;
      }
    }
    layout.histories.push_back({i, layout.rows});
    layout.rows += static_cast<std::int64_t>(column.width);
  }
  return layout;
}

}  // namespace vitrine::train
