#include "train/models/sparse_design.h"

#include <algorithm>
#include <cmath>

namespace vitrine::train {

SparseDesign::SparseDesign(const LabelledRows& rows) {
  std::vector<std::vector<Entry>> entries(rows.rows());
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    const RankerColumn& column = rows.columns[c];
    const bool number = column.kind == RankerColumnKind::kNumber;
    columns_.push_back({.begin = width_, .width = number ? 1 : column.width});
    width_ += columns_.back().width;
    if (number) {
      AddNumber(c, rows.features[c].values<float>(), entries);
      continue;
    }
    const bool history = column.kind == RankerColumnKind::kHistory;
    const auto values = rows.features[c].values<std::int64_t>();
    const std::size_t places = values.size() / rows.rows();
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      const auto row = values.subspan(r * places, places);
      const auto padding = history ? std::count(row.begin(), row.end(), 0) : 0;
      const float weight = 1 / static_cast<float>(std::max<std::ptrdiff_t>(
                                   static_cast<std::ptrdiff_t>(places) - padding, 1));
      for (const std::int64_t value : row) {
        if (!history || value != 0) {
          entries[r].push_back(
              {static_cast<std::uint32_t>(columns_[c].begin + static_cast<std::size_t>(value)),
               weight});
        }
      }
    }
  }
  for (const std::vector<Entry>& row : entries) {
    entries_.insert(entries_.end(), row.begin(), row.end());
    begin_.push_back(entries_.size());
  }
}

void SparseDesign::AddNumber(std::size_t c, std::span<const float> values,
                             std::vector<std::vector<Entry>>& rows) {
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const float v : values) {
    sum += double{v};
  }
  double squares = 0;
  for (const float v : values) {
    squares += (double{v} - sum / n) * (double{v} - sum / n);
  }
  Column& column = columns_[c];
  column.mean = sum / n;
  const double deviation = std::sqrt(squares / n);
  column.deviation = deviation > 0 ? deviation : 1;
  for (std::size_t r = 0; r < values.size(); ++r) {
    rows[r].push_back({static_cast<std::uint32_t>(column.begin),
                       static_cast<float>((double{values[r]} - column.mean) / column.deviation)});
  }
}

double SparseDesign::Dot(std::size_t row, std::span<const double> weights) const {
  double sum = 0;
  for (std::size_t e = begin_[row]; e < begin_[row + 1]; ++e) {
    sum += double{entries_[e].value} * weights[entries_[e].at];
  }
  return sum;
}

void SparseDesign::Add(std::size_t row, double scale, std::span<double> to) const {
  for (std::size_t e = begin_[row]; e < begin_[row + 1]; ++e) {
    to[entries_[e].at] += scale * double{entries_[e].value};
  }
}

}  // namespace vitrine::train
