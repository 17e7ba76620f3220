#include "train/models/sparse_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace vitrine::train {
namespace {

// Column and count take 8 bytes an entry; the rest of the 2 GiB is for the other tables.
constexpr std::size_t kMaxEntries = std::size_t{240} << 20;

// What a table grows to where nobody says how much of a row is kept.
constexpr std::size_t kUsualEntries = std::size_t{64} << 20;
constexpr std::size_t kFewestPerRow = 100;

std::size_t At(const std::vector<std::int64_t>& begin, std::size_t row) {
  return static_cast<std::size_t>(begin[row]);
}

/// Keeps the best `keep` (0: all) by `better` and sorts them by column.
template <typename Entry, typename Better>
Status KeepBest(std::vector<Entry>& entries, std::size_t keep, std::size_t before, Better better) {
  if (keep > 0 && entries.size() > keep) {
    std::nth_element(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(keep),
                     entries.end(), better);
    entries.resize(keep);
  }
  if (before + entries.size() > kMaxEntries) {
    return ResourceExhausted(
        fmt::format("the model counts more than {} pairs of items, one file cannot hold them; keep "
                    "fewer per item (markov: followers, others: neighbours; 500 is plenty)",
                    kMaxEntries));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.column < b.column; });
  return Status::Ok();
}

/// Where the entries of the asked rows lie in a table.
struct FoundEntries {
  graph::Value place;   ///< [E] int64
  graph::Value source;  ///< [E] int64: number of the entry
};

FoundEntries FindEntries(graph::Builder& b, const std::vector<std::int64_t>& begin_of,
                         const graph::Value& rows, const std::string& prefix) {
  std::vector<std::int64_t> lengths(begin_of.size() - 1);
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    lengths[r] = begin_of[r + 1] - begin_of[r];
  }
  const auto size = static_cast<std::int64_t>(lengths.size());
  const std::span<const std::int64_t> begins(begin_of.data(), lengths.size());
  const graph::Value begin_table =
      b.Initializer<std::int64_t>(prefix + "row_begin", {size}, begins);
  const graph::Value length_table = b.Initializer(prefix + "row_length", {size}, lengths);

  // Entry e of the answer belongs to the last asked row that begins at or before it: a 1 where each
  // row but the first begins, summed up from the left. Empty rows share a beginning and drop out.
  const graph::Value begin = b.Gather(begin_table, rows);
  const graph::Value length = b.Gather(length_table, rows);
  const graph::Value offset = b.CumSum(length, 0, /*exclusive=*/true);
  const graph::Value total = b.ReduceSum(length, {0}, /*keep=*/true);
  const graph::Value later = b.Slice(offset, 0, 1, std::numeric_limits<std::int64_t>::max());
  const graph::Value ones = b.Filled<std::int64_t>(b.ShapeOf(later), 1);
  // One more than there are entries: rows that are empty at the end begin behind the last.
  const graph::Value none = b.Filled<std::int64_t>(b.Add(total, b.Constants({1})), 0);
  const graph::Value marks = b.Slice(b.ScatterAdd(none, later, ones, 0), 0, 0, -1);
  const graph::Value place = b.CumSum(marks, 0);

  const graph::Value zero = b.Scalar<std::int64_t>(0);
  const graph::Value number = b.Range(zero, b.Squeeze(total, {0}), b.Scalar<std::int64_t>(1));
  return {.place = place, .source = b.Add(number, Pick(b, b.Sub(begin, offset), place))};
}

}  // namespace

std::span<const std::int32_t> SparseRows::ColumnsOf(std::size_t row) const {
  return std::span(column).subspan(At(begin, row), At(begin, row + 1) - At(begin, row));
}

std::span<const std::int32_t> SparseRows::CountsOf(std::size_t row) const {
  return std::span(count).subspan(At(begin, row), At(begin, row + 1) - At(begin, row));
}

std::span<const std::int32_t> WeightedRows::ColumnsOf(std::size_t row) const {
  return std::span(column).subspan(At(begin, row), At(begin, row + 1) - At(begin, row));
}

std::span<const float> WeightedRows::WeightsOf(std::size_t row) const {
  return std::span(weight).subspan(At(begin, row), At(begin, row + 1) - At(begin, row));
}

std::size_t EntriesPerRow(std::size_t asked, std::size_t rows) {
  return asked > 0 ? asked
                   : std::max(kFewestPerRow, kUsualEntries / std::max<std::size_t>(rows, 1));
}

Status AppendRow(std::vector<RowEntry>& entries, std::size_t keep, SparseRows& table) {
  const auto better = [](const RowEntry& a, const RowEntry& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.column < b.column;
  };
  RETURN_IF_ERROR(KeepBest(entries, keep, table.entries(), better));
  for (const RowEntry& e : entries) {
    table.column.push_back(e.column);
    table.count.push_back(e.count);
  }
  table.begin.push_back(static_cast<std::int64_t>(table.entries()));
  return Status::Ok();
}

Status AppendRow(std::vector<WeightedEntry>& entries, std::size_t keep, WeightedRows& table) {
  const auto better = [](const WeightedEntry& a, const WeightedEntry& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.column < b.column;
  };
  RETURN_IF_ERROR(KeepBest(entries, keep, table.entries(), better));
  for (const WeightedEntry& e : entries) {
    const auto weight = static_cast<float>(e.weight);
    if (weight != 0) {
      table.column.push_back(e.column);
      table.weight.push_back(weight);
    }
  }
  table.begin.push_back(static_cast<std::int64_t>(table.entries()));
  return Status::Ok();
}

graph::Value Pick(graph::Builder& b, const graph::Value& table, const graph::Value& index) {
  return b.Op("GatherElements", {table, index}, {{"axis", 0}});
}

GatheredRows GatherRows(graph::Builder& b, const SparseRows& table, const graph::Value& rows) {
  const FoundEntries found = FindEntries(b, table.begin, rows, "");
  const auto entries = static_cast<std::int64_t>(table.entries());
  const graph::Value columns = b.Initializer("column", {entries}, table.column);
  const graph::Value counts = b.Initializer("count", {entries}, table.count);
  return {.place = found.place,
          .column = b.Cast(Pick(b, columns, found.source), DType::kInt64),
          .value = b.Cast(Pick(b, counts, found.source), DType::kFloat64)};
}

GatheredRows GatherRows(graph::Builder& b, const WeightedRows& table, const graph::Value& rows,
                        std::string_view prefix) {
  const std::string before(prefix);
  const FoundEntries found = FindEntries(b, table.begin, rows, before);
  const auto entries = static_cast<std::int64_t>(table.entries());
  const graph::Value columns = b.Initializer(before + "column", {entries}, table.column);
  const graph::Value weights = b.Initializer(before + "weight", {entries}, table.weight);
  return {.place = found.place,
          .column = b.Cast(Pick(b, columns, found.source), DType::kInt64),
          .value = b.Cast(Pick(b, weights, found.source), DType::kFloat64)};
}

graph::Value AddUp(graph::Builder& b, const graph::Value& history, std::size_t width,
                   const graph::Value& place, const graph::Value& places_a_row,
                   const graph::Value& column, const graph::Value& amounts) {
  const graph::Value zero = b.Scalar<std::int64_t>(0);
  const graph::Value wide = b.Scalar(static_cast<std::int64_t>(width));
  const graph::Value rows = b.Gather(b.ShapeOf(history), zero);
  // The cell where the place's row of scores begins: divided per place, not per entry.
  const graph::Value places = b.Range(zero, b.Mul(rows, places_a_row), b.Scalar<std::int64_t>(1));
  const graph::Value row_begin = b.Mul(b.Div(places, places_a_row), wide);
  const graph::Value cell = b.Add(Pick(b, row_begin, place), column);
  const graph::Value flat = b.Filled<double>(b.Unsqueeze(b.Mul(rows, wide), {0}), 0);
  return b.Reshape(b.ScatterAdd(flat, cell, amounts, 0), {-1, static_cast<std::int64_t>(width)});
}

}  // namespace vitrine::train
