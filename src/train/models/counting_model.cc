#include "train/models/counting_model.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace vitrine::train {
namespace {

constexpr std::string_view kHistory = "history";
constexpr std::string_view kAge = "age";

Result<const Tensor*> Find(std::span<const Tensor> inputs, std::string_view name) {
  for (const Tensor& t : inputs) {
    if (t.name() != name) {
      continue;
    }
    if (t.dtype() != DType::kInt64 || t.shape().size() != 2) {
      return InvalidArgument(
          fmt::format("the input '{}' must be int64 [rows, places], it is {} "
                      "with {} axes",
                      name, DTypeName(t.dtype()), t.shape().size()));
    }
    return &t;
  }
  return InvalidArgument(fmt::format("the input '{}' is missing", name));
}

}  // namespace

std::vector<data::FeatureDef> HistoryFeatures(const HistoryShape& shape) {
  const std::string length = std::to_string(shape.length);
  const std::string distinct = shape.distinct ? "true" : "false";
  std::vector<data::FeatureDef> defs;
  defs.push_back({.name = std::string(kHistory),
                  .op = "history_items",
                  .source = "",
                  .options = {{"length", length}, {"distinct", distinct}}});
  if (!shape.age_unit.empty()) {
    defs.push_back(
        {.name = std::string(kAge),
         .op = "history_ages",
         .source = "",
         .options = {{"length", length}, {"distinct", distinct}, {"unit", shape.age_unit}}});
  }
  return defs;
}

Result<HistoryBatch> ReadHistories(std::span<const Tensor> inputs, bool with_ages,
                                   std::size_t width) {
  ASSIGN_OR_RETURN(const Tensor* history, Find(inputs, kHistory));
  HistoryBatch batch{.items = history->values<std::int64_t>(),
                     .ages = {},
                     .rows = static_cast<std::size_t>(history->shape()[0]),
                     .length = static_cast<std::size_t>(history->shape()[1])};
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    if (batch.items[i] < 0 || batch.items[i] >= static_cast<std::int64_t>(width)) {
      return InvalidArgument(fmt::format("history row {} holds item {}, the vocabulary ends at {}",
                                         i / batch.length, batch.items[i], width - 1));
    }
  }
  if (with_ages) {
    ASSIGN_OR_RETURN(const Tensor* age, Find(inputs, kAge));
    if (age->shape() != history->shape()) {
      return InvalidArgument("the inputs 'history' and 'age' have different shapes");
    }
    batch.ages = age->values<std::int64_t>();
  }
  return batch;
}

std::span<double> ResetScores(const HistoryBatch& batch, std::size_t width, Tensor& scores) {
  const std::int64_t shape[] = {static_cast<std::int64_t>(batch.rows),
                                static_cast<std::int64_t>(width)};
  scores.set_name("scores");
  scores.Resize(DType::kFloat64, shape);
  return scores.values<double>();
}

double AgeWeight(double decay, std::int64_t age) {
  return std::pow(decay, static_cast<double>(age));
}

graph::Value HistoryInput(graph::Builder& b) {
  return b.Input(std::string(kHistory), DType::kInt64, {"batch", "length"});
}

graph::Value AgeInput(graph::Builder& b) {
  return b.Input(std::string(kAge), DType::kInt64, {"batch", "length"});
}

graph::Value ZeroScores(graph::Builder& b, const graph::Value& history, std::size_t width) {
  const graph::Value rows = b.Slice(b.ShapeOf(history), 0, 0, 1);
  return b.Filled<double>(b.Concat({rows, b.Constants({static_cast<std::int64_t>(width)})}, 0), 0);
}

graph::Value AgeWeights(graph::Builder& b, double decay, const graph::Value& ages) {
  return b.Pow(b.Scalar(decay), b.Cast(ages, DType::kFloat64));
}

void ScoresOutput(graph::Builder& b, const graph::Value& scores, std::size_t width) {
  b.Output("scores", scores, DType::kFloat64, {"batch", width});
}

}  // namespace vitrine::train
