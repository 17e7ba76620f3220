#include "serve/graph_scorer.h"

#include <algorithm>
#include <array>
#include <string>

namespace vitrine::serve {
namespace {

std::string ShapeText(const Shape& shape) {
  std::string text = "[";
  for (std::size_t d = 0; d < shape.size(); ++d) {
    text += (d == 0 ? "" : ", ") + std::to_string(shape[d]);
  }
  return text + "]";
}

Status CheckItems(std::span<const History> histories, std::size_t width) {
  for (const History& history : histories) {
    for (const HistoryEvent& event : history) {
      if (event.item >= width) {
        return InvalidArgument("a history names item index " + std::to_string(event.item) +
                               ", the vocabulary has " + std::to_string(width) +
                               "; map item ids with the artifact's own vocabulary");
      }
    }
  }
  return Status::Ok();
}

}  // namespace

Status CheckScores(const Tensor& scores, std::size_t batch, std::size_t width) {
  const std::array want = {static_cast<std::int64_t>(batch), static_cast<std::int64_t>(width)};
  if (scores.dtype() != DType::kFloat32 && scores.dtype() != DType::kFloat64) {
    return Internal("the model's first output is " + std::string(DTypeName(scores.dtype())) +
                    ", scores must be float32 or float64; export the model again");
  }
  if (!std::equal(want.begin(), want.end(), scores.shape().begin(), scores.shape().end())) {
    return Internal("the model's first output has shape " + ShapeText(scores.shape()) + ", its " +
                    "vocabulary asks for " + ShapeText(Shape(want.begin(), want.end())) +
                    "; model.onnx and vocabulary.txt " + "are not of one artifact");
  }
  return Status::Ok();
}

GraphScorer::GraphScorer(const LoadedGraph& graph, const data::FeatureSpec& spec, std::size_t width,
                         RequestFacts facts)
    : graph_(graph), spec_(spec), width_(width), facts_(facts) {}

Status GraphScorer::Score(std::span<const History> histories, std::vector<double>& scores) const {
  scores.clear();
  if (histories.empty()) {
    return Status::Ok();
  }
  RETURN_IF_ERROR(CheckItems(histories, width_));
  thread_local std::vector<data::FeatureInput> inputs;
  thread_local std::vector<Tensor> features;
  thread_local std::vector<Tensor> outputs;
  inputs.clear();
  for (const History& history : histories) {
    const Micros newest = history.empty() ? Micros{} : history.back().ts;
    inputs.push_back({.history = history,
                      .as_of = facts_.as_of.value_or(newest),
                      .user = facts_.user,
                      .context = facts_.context,
                      .candidates = {}});
  }
  RETURN_IF_ERROR(spec_.Apply(inputs, features));
  RETURN_IF_ERROR(graph_.Run(features, outputs));
  if (outputs.empty()) {
    return Internal("the model has no output; export it again");
  }
  RETURN_IF_ERROR(CheckScores(outputs.front(), histories.size(), width_));
  if (outputs.front().dtype() == DType::kFloat64) {
    const auto values = outputs.front().values<double>();
    scores.assign(values.begin(), values.end());
  } else {
    const auto values = outputs.front().values<float>();
    scores.assign(values.begin(), values.end());
  }
  return Status::Ok();
}

}  // namespace vitrine::serve
