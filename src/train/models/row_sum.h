/// One row of a sparse product while it is made: adds up by column in dense memory, gives back what was touched.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/history.h"
#include "core/progress.h"
#include "core/status.h"
#include "train/models/sparse_rows.h"

namespace vitrine::train {

class RowSum {
 public:
  explicit RowSum(std::size_t width) : sum_(width, 0), seen_(width, 0) {}

  void Add(ItemIndex column, double amount) {
    if (seen_[column] == 0) {
      seen_[column] = 1;
      touched_.push_back(column);
    }
    sum_[column] += amount;
  }

  /// Replaces `row` by the sums, in the order in which their columns came; the next row begins empty.
  void Take(std::vector<WeightedEntry>& row) {
    row.clear();
    for (const ItemIndex column : touched_) {
      row.push_back({static_cast<std::int32_t>(column), std::exchange(sum_[column], 0)});
      seen_[column] = 0;
    }
    touched_.clear();
  }

 private:
  std::vector<double> sum_;
  std::vector<char> seen_;
  std::vector<ItemIndex> touched_;
};

/// Every 256th item: reports, or stops. Errors: kCancelled.
inline Status ReportItem(const Progress& progress, const char* stage, std::size_t item,
                         std::size_t width) {
  if (item % 256 != 0) {
    return Status::Ok();
  }
  if (progress.cancelled()) {
    return Cancelled(std::string("cancelled: ") + stage);
  }
  progress.report({.stage = stage,
                   .done = static_cast<double>(item),
                   .total = static_cast<double>(width),
                   .unit = "items",
                   .detail = ""});
  return Status::Ok();
}

}  // namespace vitrine::train
