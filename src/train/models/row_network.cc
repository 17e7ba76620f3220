#include "train/models/row_network.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/history.h"
#include "train/ranker_rows.h"

namespace vitrine::train {
namespace {

using graph::Value;

/// Rows that are computed together where nothing is learnt.
constexpr std::int64_t kTogether = 2048;

/// A column's values where they lie.
torch::Tensor View(const Tensor& feature) {
  const auto type = feature.dtype() == DType::kInt64 ? torch::kLong : torch::kFloat;
  return torch::from_blob(const_cast<std::byte*>(feature.bytes().data()), feature.shape(), type);
}

Value WeightRows(NetworkGraph& graph, const RowLayout& layout, const RowLayout::Indexed& indexed,
                 const torch::Tensor& table) {
  return graph.Weight(layout.columns[indexed.column].name + ".vectors",
                      table.slice(0, indexed.offset, indexed.offset + layout.width(indexed)));
}

}  // namespace

RowIndexes IndexesOf(const RowLayout& layout, std::span<const Tensor> features,
                     const torch::Tensor& rows) {
  RowIndexes indexes;
  const std::int64_t count = rows.size(0);
  std::vector<torch::Tensor> numbers;
  for (const std::size_t column : layout.numbers) {
    numbers.push_back(View(features[column]).index_select(0, rows));
  }
  std::vector<torch::Tensor> levels;
  for (const RowLayout::Indexed& level : layout.levels) {
    levels.push_back(View(features[level.column]).index_select(0, rows) + level.offset);
  }
  indexes.numbers = numbers.empty() ? torch::zeros({count, 0}) : torch::stack(numbers, 1);
  indexes.levels =
      levels.empty() ? torch::zeros({count, 0}, torch::kLong) : torch::stack(levels, 1);
  for (const RowLayout::Indexed& history : layout.histories) {
    const torch::Tensor items = View(features[history.column]).index_select(0, rows);
    indexes.known.push_back(items.ge(std::int64_t{kFirstItem}).to(torch::kFloat));
    indexes.places.push_back(items + history.offset);
  }
  return indexes;
}

RowVectors VectorsOf(const RowIndexes& indexes, const torch::Tensor& table) {
  RowVectors vectors{
      .numbers = indexes.numbers, .levels = {}, .places = {}, .known = indexes.known};
  vectors.levels = indexes.levels.size(1) == 0
                       ? torch::zeros({indexes.levels.size(0), 0, table.size(1)})
                       : torch::embedding(table, indexes.levels);
  for (std::size_t i = 0; i < indexes.places.size(); ++i) {
    vectors.places.push_back(torch::embedding(table, indexes.places[i]) *
                             indexes.known[i].unsqueeze(-1));
  }
  return vectors;
}

RowNetwork::RowNetwork(RowLayout layout, std::int64_t width, double spread)
    : layout_(std::move(layout)),
      counts_(torch::zeros({static_cast<std::int64_t>(layout_.numbers.size())}, torch::kBool)),
      mean_(torch::zeros({static_cast<std::int64_t>(layout_.numbers.size())})),
      deviation_(torch::ones({static_cast<std::int64_t>(layout_.numbers.size())})) {
  torch::Tensor vectors = torch::empty({layout_.rows, width});
  torch::nn::init::normal_(vectors, 0, spread);
  table = register_parameter("table", vectors, /*requires_grad=*/false);
  bias = register_parameter("bias", torch::zeros({1}));
}

void RowNetwork::LearnScales(std::span<const Tensor> features) {
  for (std::size_t i = 0; i < layout_.numbers.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    torch::Tensor values = View(features[layout_.numbers[i]]).to(torch::kDouble);
    const bool counts = values.min().item<double>() >= 0 && values.max().item<double>() > kCounts;
    values = counts ? values.log1p() : values;
    const auto deviation = values.std(/*unbiased=*/false).item<double>();
    counts_[at] = counts;
    mean_[at] = values.mean().item<double>();
    deviation_[at] = deviation > 1e-9 ? 1 / deviation : 0;
  }
}

torch::Tensor RowNetwork::Logits(RowVectors rows) {
  const torch::Tensor& x = rows.numbers;
  rows.numbers = (torch::where(counts_, x.clamp_min(0).log1p(), x) - mean_) * deviation_;
  return forward(rows) + bias;
}

Value RowNetwork::WriteScaled(NetworkGraph& graph, const Value& numbers) {
  graph::Builder& b = graph.builder();
  Value x = numbers;
  if (counts_.any().item<bool>()) {
    const Value counts = b.Cast(graph.Weight("network.counts", counts_), DType::kBool);
    const Value logs = b.Op("Log", {b.Add(b.Op("Max", {x, b.Scalar(0.0F)}), b.Scalar(1.0F))});
    x = b.Where(counts, logs, x);
  }
  return b.Mul(b.Sub(x, graph.Weight("network.mean", mean_)),
               graph.Weight("network.deviation", deviation_));
}

RowValues RowNetwork::WriteRows(NetworkGraph& graph) {
  graph::Builder& b = graph.builder();
  RowValues rows;
  const std::vector<Value> inputs = WriteInputs(b, layout_.columns);
  std::vector<Value> numbers;
  for (const std::size_t column : layout_.numbers) {
    numbers.push_back(b.Unsqueeze(inputs[column], {1}));
  }
  if (!numbers.empty()) {
    rows.numbers = WriteScaled(graph, b.Concat(numbers, 1));
  }
  std::vector<Value> tables;
  for (const RowLayout::Indexed& level : layout_.levels) {
    tables.push_back(WeightRows(graph, layout_, level, table));
    rows.levels.push_back(b.Gather(tables.back(), inputs[level.column]));
  }
  for (const RowLayout::Indexed& history : layout_.histories) {
    const bool shared =
        layout_.item.has_value() && layout_.levels[*layout_.item].offset == history.offset;
    const Value vectors =
        shared ? tables[*layout_.item] : WeightRows(graph, layout_, history, table);
    const Value items = inputs[history.column];
    const Value known = b.Cast(graph.Known(items), DType::kFloat32);
    rows.known.push_back(known);
    rows.places.push_back(b.Mul(b.Gather(vectors, items), b.Unsqueeze(known, {2})));
  }
  return rows;
}

Value RowNetwork::WriteLogit(NetworkGraph& graph) {
  const Value made = Write(graph, WriteRows(graph));
  return graph.builder().Add(made, graph.Weight("network.bias", bias));
}

torch::Tensor LogitsOf(RowNetwork& network, std::span<const Tensor> features) {
  const torch::NoGradGuard no_grad;
  const std::int64_t count = features[0].shape()[0];
  torch::Tensor logits = torch::empty({count});
  for (std::int64_t begin = 0; begin < count; begin += kTogether) {
    const std::int64_t end = std::min(begin + kTogether, count);
    const RowIndexes indexes =
        IndexesOf(network.layout(), features, torch::arange(begin, end, torch::kLong));
    logits.slice(0, begin, end)
        .copy_(network.Logits(VectorsOf(indexes, network.table)).clamp(-kLogitBound, kLogitBound));
  }
  return logits;
}

torch::Tensor MeanOf(const torch::Tensor& places, const torch::Tensor& known) {
  return places.sum(1) / known.sum(1, /*keepdim=*/true).clamp_min(1);
}

Value MeanOf(graph::Builder& b, const Value& places, const Value& known) {
  const Value count = b.Op("Max", {b.ReduceSum(known, {1}, /*keep=*/true), b.Scalar(1.0F)});
  return b.Div(b.ReduceSum(places, {1}, /*keep=*/false), count);
}

torch::Tensor Flat(const RowVectors& rows, const std::vector<torch::Tensor>& pooled) {
  std::vector<torch::Tensor> parts = {rows.levels.flatten(1)};
  parts.insert(parts.end(), pooled.begin(), pooled.end());
  parts.push_back(rows.numbers);
  return torch::cat(parts, 1);
}

Value Flat(graph::Builder& b, const RowValues& rows, const std::vector<Value>& pooled) {
  std::vector<Value> parts = rows.levels;
  parts.insert(parts.end(), pooled.begin(), pooled.end());
  if (!rows.numbers.name.empty()) {
    parts.push_back(rows.numbers);
  }
  return parts.size() == 1 ? parts[0] : b.Concat(parts, 1);
}

std::int64_t FlatWidth(const RowLayout& layout, std::int64_t width) {
  return static_cast<std::int64_t>(layout.levels.size() + layout.histories.size()) * width +
         static_cast<std::int64_t>(layout.numbers.size());
}

torch::Tensor FlatOfMeans(const RowVectors& rows) {
  std::vector<torch::Tensor> means;
  for (std::size_t i = 0; i < rows.places.size(); ++i) {
    means.push_back(MeanOf(rows.places[i], rows.known[i]));
  }
  return Flat(rows, means);
}

Value FlatOfMeans(graph::Builder& b, const RowValues& rows) {
  std::vector<Value> means;
  for (std::size_t i = 0; i < rows.places.size(); ++i) {
    means.push_back(MeanOf(b, rows.places[i], rows.known[i]));
  }
  return Flat(b, rows, means);
}

torch::Tensor ColumnVectors(const RowVectors& rows, const torch::Tensor& number_vectors) {
  std::vector<torch::Tensor> parts = {rows.levels, rows.numbers.unsqueeze(-1) * number_vectors};
  for (std::size_t i = 0; i < rows.places.size(); ++i) {
    parts.push_back(MeanOf(rows.places[i], rows.known[i]).unsqueeze(1));
  }
  return torch::cat(parts, 1);
}

Value ColumnVectors(NetworkGraph& graph, const RowValues& rows,
                    const torch::Tensor& number_vectors) {
  graph::Builder& b = graph.builder();
  std::vector<Value> parts;
  for (const Value& level : rows.levels) {
    parts.push_back(b.Unsqueeze(level, {1}));
  }
  if (!rows.numbers.name.empty()) {
    parts.push_back(b.Mul(b.Unsqueeze(rows.numbers, {2}),
                          graph.Weight("network.number_vectors", number_vectors)));
  }
  for (std::size_t i = 0; i < rows.places.size(); ++i) {
    parts.push_back(b.Unsqueeze(MeanOf(b, rows.places[i], rows.known[i]), {1}));
  }
  return parts.size() == 1 ? parts[0] : b.Concat(parts, 1);
}

}  // namespace vitrine::train
