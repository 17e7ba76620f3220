/// Labelled rows as a sparse matrix: a column for each number (moved and scaled to mean 0, deviation 1), for each value of
/// a level, and for each item.
/// Threads: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/ranker.h"

namespace vitrine::train {

class SparseDesign {
 public:
  /// Where a ranker's column stands, and how its number was scaled.
  struct Column {
    std::size_t begin = 0;
    std::size_t width = 1;
    double mean = 0;
    double deviation = 1;
  };

  /// Precondition: CheckRows takes the rows. Padding of a history is no value; its places weigh 1 / their
  /// number. Moments are of the rows as they stand, whatever their weights.
  explicit SparseDesign(const LabelledRows& rows);

  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] const Column& column(std::size_t c) const { return columns_[c]; }
  /// Row times weights [width].
  [[nodiscard]] double Dot(std::size_t row, std::span<const double> weights) const;
  /// to += scale * row.
  void Add(std::size_t row, double scale, std::span<double> to) const;

 private:
  struct Entry {
    std::uint32_t at = 0;
    float value = 0;
  };
  void AddNumber(std::size_t c, std::span<const float> values,
                 std::vector<std::vector<Entry>>& rows);

  std::vector<Column> columns_;
  std::size_t width_ = 0;
  std::vector<std::size_t> begin_ = {0};
  std::vector<Entry> entries_;  // row after row
};

}  // namespace vitrine::train
