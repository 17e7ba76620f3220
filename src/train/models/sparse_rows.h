/// Sparse tables of counts or weights by rows, and how a graph gathers some of their rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
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

/// Entries a row of a table of `rows` rows: `asked`, or where that is 0 as many as keep the whole table below
/// 64 Mi entries (512 MiB), at least 100. A shop of 12,000 items keeps 5,500, which is all there are in practice.
std::size_t EntriesPerRow(std::size_t asked, std::size_t rows);

/// Appends a row of `entries` (any order, distinct columns), cut to the best `keep` (0: all).
/// Errors: kResourceExhausted (more entries than an int32 table of one ONNX file can hold).
Status AppendRow(std::vector<RowEntry>& entries, std::size_t keep, SparseRows& table);

/// The same with a weight an entry; float32, so that a pair takes 8 bytes in the artifact.
struct WeightedRows {
  std::vector<std::int64_t> begin = {0};
  std::vector<std::int32_t> column;
  std::vector<float> weight;

  [[nodiscard]] std::size_t rows() const { return begin.size() - 1; }
  [[nodiscard]] std::size_t entries() const { return column.size(); }
  [[nodiscard]] std::span<const std::int32_t> ColumnsOf(std::size_t row) const;
  [[nodiscard]] std::span<const float> WeightsOf(std::size_t row) const;
};

struct WeightedEntry {
  std::int32_t column;
  double weight;
};

/// Appends a row of `entries` (any order, distinct columns), cut to the `keep` of highest weight (0: all;
/// equal ones: lower column). What float32 rounds to 0 is left out.
/// Errors: kResourceExhausted, as above.
Status AppendRow(std::vector<WeightedEntry>& entries, std::size_t keep, WeightedRows& table);

/// The entries of several rows, one after another: row after row, columns rising.
struct GatheredRows {
  graph::Value place;   ///< [E] int64: which of the asked rows the entry is from
  graph::Value column;  ///< [E] int64
  graph::Value value;   ///< [E] float64: the count or weight
};

/// Stores `table` in the graph and gathers the rows named by `rows` ([N] int64, N >= 1), an empty
/// row without trace. Work: N + E, whatever the longest row. `prefix` goes before the stored names where
/// one graph holds several tables.
GatheredRows GatherRows(graph::Builder& b, const SparseRows& table, const graph::Value& rows);
GatheredRows GatherRows(graph::Builder& b, const WeightedRows& table, const graph::Value& rows,
                        std::string_view prefix = "");

/// table[index] for 1-d tensors. Unlike Gather it costs ONNX Runtime no division an element: 8 times
/// as quick.
graph::Value Pick(graph::Builder& b, const graph::Value& table, const graph::Value& index);

/// Adds amounts[e] to zeros [batch, width] at the row of place[e] and column[e], in their order.
/// Row r of the batch has places r * places_a_row to (r + 1) * places_a_row - 1 (int64 scalar).
graph::Value AddUp(graph::Builder& b, const graph::Value& history, std::size_t width,
                   const graph::Value& place, const graph::Value& places_a_row,
                   const graph::Value& column, const graph::Value& amounts);

}  // namespace vitrine::train
