/// A sparse table of counts by rows, and how a graph gathers some of its rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/history.h"
#include "core/status.h"
#include "graph/builder.h"

namespace vitrine::train {

/// Row i is entries begin[i] .. begin[i + 1] - 1, columns rising.
struct SparseRows {
  std::vector<std::int64_t> begin = {0};
  std::vector<std::int32_t> column;
  std::vector<std::int32_t> count;

  [[nodiscard]] std::size_t rows() const { return begin.size() - 1; }
  [[nodiscard]] std::size_t entries() const { return column.size(); }
  [[nodiscard]] std::span<const std::int32_t> ColumnsOf(std::size_t row) const;
  [[nodiscard]] std::span<const std::int32_t> CountsOf(std::size_t row) const;
};

/// One entry while a row is made.
struct RowEntry {
  std::int32_t column;
  std::int32_t count;
  double rank;  ///< what `keep` keeps the highest of; equal ones: lower column
};

/// Appends a row of `entries` (any order, distinct columns), cut to the best `keep` (0: all).
/// Errors: kResourceExhausted (more entries than an int32 table of one ONNX file can hold).
Status AppendRow(std::vector<RowEntry>& entries, std::size_t keep, SparseRows& table);

/// The entries of several rows, one after another: row after row, columns rising.
struct GatheredRows {
  graph::Value place;   ///< [E] int64: which of the asked rows the entry is from
  graph::Value column;  ///< [E] int64
  graph::Value count;   ///< [E] float64
};

/// Stores `table` in the graph and gathers the rows named by `rows` ([N] int64, N >= 1), an empty
/// row without trace. Work: N + E, whatever the longest row.
GatheredRows GatherRows(graph::Builder& b, const SparseRows& table, const graph::Value& rows);

/// table[index] for 1-d tensors. Unlike Gather it costs ONNX Runtime no division an element: 8 times
/// as quick.
graph::Value Pick(graph::Builder& b, const graph::Value& table, const graph::Value& index);

/// Adds amounts[e] to zeros [batch, width] at the row of place[e] and column[e], in their order.
/// Row r of the batch has places r * places_a_row to (r + 1) * places_a_row - 1 (int64 scalar).
graph::Value AddUp(graph::Builder& b, const graph::Value& history, std::size_t width,
                   const graph::Value& place, const graph::Value& places_a_row,
                   const graph::Value& column, const graph::Value& amounts);

}  // namespace vitrine::train
