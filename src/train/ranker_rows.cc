#include "train/ranker_rows.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::train {
namespace {

bool IsInteger(RankerColumnKind kind) { return kind != RankerColumnKind::kNumber; }

/// How many numbers an int64 feature can have, [0, n): what its op says of them in featurespec.json; 0 of an op
/// that rankers do not read.
std::size_t LevelsOf(const nlohmann::json& feature, std::size_t width) {
  constexpr std::size_t kMissingAndOther = 2;
  const std::string op = feature.at("op");
  const nlohmann::json& options = feature.at("options");
  if (op == "candidate" || op == "history_items") {
    return width;
  }
  if (op == "level") {
    return feature.at("fitted").at("levels").size() + kMissingAndOther;
  }
  if (op == "bucket") {
    return feature.at("fitted").at("edges").size() + kMissingAndOther;
  }
  if (op == "hash") {
    return std::stoul(options.value("buckets", "1024")) + 1;
  }
  if (op == "context") {
    const std::string levels = options.value("levels", "");
    return static_cast<std::size_t>(std::count(levels.begin(), levels.end(), '|')) + 1 +
           kMissingAndOther;
  }
  return 0;
}

Result<RankerColumnKind> KindOf(const data::FeatureDef& def, const TensorSpec& made,
                                std::size_t levels) {
  if (def.op == "candidate") {
    return RankerColumnKind::kItem;
  }
  if (def.op == "history_items") {
    return RankerColumnKind::kHistory;
  }
  if (made.dtype == DType::kFloat32 && made.shape.size() == 1) {
    return RankerColumnKind::kNumber;
  }
  if (made.dtype == DType::kInt64 && made.shape.size() == 1 && levels > 0) {
    return RankerColumnKind::kLevel;
  }
  return InvalidArgument(
      fmt::format("feature '{}': rankers do not read what op {} makes; they read numbers, levels, "
                  "candidate and history_items",
                  def.name, def.op));
}

Status CheckColumn(const RankerColumn& column, const Tensor& tensor, std::size_t rows) {
  const bool history = column.kind == RankerColumnKind::kHistory;
  const DType type = IsInteger(column.kind) ? DType::kInt64 : DType::kFloat32;
  const Shape& shape = tensor.shape();
  if (tensor.dtype() != type || shape.size() != (history ? 2U : 1U) ||
      shape[0] != static_cast<std::int64_t>(rows)) {
    return InvalidArgument(fmt::format("column '{}' is {} with {} axes and not {} of {} rows",
                                       column.name, DTypeName(tensor.dtype()), shape.size(),
                                       DTypeName(type), rows));
  }
  const std::size_t places = history ? static_cast<std::size_t>(shape[1]) : 1;
  if (type == DType::kFloat32) {
    const auto values = tensor.values<float>();
    const auto wrong =
        std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    return wrong == values.end()
               ? Status::Ok()
               : InvalidArgument(fmt::format("row {} of column '{}' is {}, no finite number",
                                             wrong - values.begin(), column.name, *wrong));
  }
  const auto values = tensor.values<std::int64_t>();
  const auto wrong = std::find_if(values.begin(), values.end(), [&column](std::int64_t v) {
    return v < 0 || static_cast<std::size_t>(v) >= column.width;
  });
  return wrong == values.end()
             ? Status::Ok()
             : InvalidArgument(fmt::format("row {} of column '{}' holds {}, outside its {} values",
                                           static_cast<std::size_t>(wrong - values.begin()) /
                                               std::max<std::size_t>(places, 1),
                                           column.name, *wrong, column.width));
}

}  // namespace

double Logit(double probability) {
  constexpr double kEdge = std::numeric_limits<double>::epsilon();
  const double p = std::clamp(probability, kEdge, 1 - kEdge);
  return std::log(p) - std::log1p(-p);
}

Result<std::vector<RankerColumn>> ColumnsOf(const data::FeatureSpec& features) {
  const std::vector<TensorSpec> made = features.Outputs();
  const nlohmann::json fitted = nlohmann::json::parse(features.ToJson());
  std::vector<RankerColumn> columns;
  for (std::size_t i = 0; i < made.size(); ++i) {
    const std::size_t levels = LevelsOf(fitted.at("features").at(i), features.width());
    ASSIGN_OR_RETURN(const RankerColumnKind kind, KindOf(features.defs()[i], made[i], levels));
    columns.push_back({made[i].name, kind, IsInteger(kind) ? levels : 0});
  }
  return columns;
}

Status CheckColumns(std::span<const RankerColumn> columns, std::span<const Tensor> tensors,
                    std::size_t rows) {
  if (tensors.size() != columns.size()) {
    return InvalidArgument(
        fmt::format("{} tensors for {} columns", tensors.size(), columns.size()));
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    RETURN_IF_ERROR(CheckColumn(columns[c], tensors[c], rows));
  }
  return Status::Ok();
}

Status CheckRows(const LabelledRows& rows) {
  const std::size_t n = rows.rows();
  if ((!rows.weights.empty() && rows.weights.size() != n) || rows.group.size() != n) {
    return InvalidArgument(fmt::format("{} labels, {} weights and {} groups", n,
                                       rows.weights.size(), rows.group.size()));
  }
  const auto positives = std::count_if(rows.labels.begin(), rows.labels.end(),
                                       [](std::uint8_t label) { return label == 1; });
  const auto negatives = std::count(rows.labels.begin(), rows.labels.end(), 0);
  if (positives + negatives != static_cast<std::ptrdiff_t>(n)) {
    return InvalidArgument("a label is neither 0 nor 1");
  }
  if (positives == 0 || negatives == 0) {
    return InvalidArgument(fmt::format("all {} labels are {}; there is nothing to tell apart", n,
                                       positives > 0 ? 1 : 0));
  }
  for (std::size_t i = 0; i < rows.weights.size(); ++i) {
    if (!(rows.weights[i] >= 0) || !std::isfinite(rows.weights[i])) {
      return InvalidArgument(fmt::format("the weight of row {} is {}", i, rows.weights[i]));
    }
  }
  return CheckColumns(rows.columns, rows.features, n);
}

double ShareOfPositives(const LabelledRows& rows) {
  double positives = 0;
  double all = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const double weight = rows.weights.empty() ? 1 : double{rows.weights[i]};
    positives += rows.labels[i] > 0 ? weight : 0;
    all += weight;
  }
  return all > 0 ? positives / all : 0.5;
}

std::vector<graph::Value> WriteInputs(graph::Builder& builder,
                                      std::span<const RankerColumn> columns) {
  std::vector<graph::Value> inputs;
  for (const RankerColumn& column : columns) {
    std::vector<graph::Dim> shape = {"batch"};
    const std::string places = column.name + "_places";
    if (column.kind == RankerColumnKind::kHistory) {
      shape.emplace_back(places.c_str());
    }
    inputs.push_back(builder.Input(
        column.name, IsInteger(column.kind) ? DType::kInt64 : DType::kFloat32, shape));
  }
  return inputs;
}

}  // namespace vitrine::train
