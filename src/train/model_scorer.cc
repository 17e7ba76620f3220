#include "train/model_scorer.h"

#include <algorithm>

#include <fmt/format.h>

namespace vitrine::train {

Status ApplyFeatures(const data::FeatureSpec& features, std::span<const History> histories,
                     std::vector<Tensor>& out) {
  std::vector<data::FeatureInput> inputs;
  inputs.reserve(histories.size());
  for (const History& history : histories) {
    data::FeatureInput input;
    input.history = history;
    input.as_of = history.empty() ? Micros{} : history.back().ts;
    inputs.push_back(input);
  }
  return features.Apply(inputs, out);
}

std::span<const Tensor> InputsOf(const TrainableModel& model, std::span<const Tensor> features) {
  return features.first(std::min(model.Features().size(), features.size()));
}

Status ModelScorer::Score(std::span<const History> histories, std::vector<double>& scores) const {
  std::vector<Tensor> tensors;
  RETURN_IF_ERROR(ApplyFeatures(features_, histories, tensors));
  Tensor out;
  RETURN_IF_ERROR(model_.Score(InputsOf(model_, tensors), out));
  const Shape wanted = {static_cast<std::int64_t>(histories.size()),
                        static_cast<std::int64_t>(width())};
  if (out.shape() != wanted) {
    return Internal(fmt::format("the model's scores are not [{}, {}]", wanted[0], wanted[1]));
  }
  scores.resize(histories.size() * width());
  switch (out.dtype()) {
    case DType::kFloat64:
      std::copy_n(out.values<double>().data(), scores.size(), scores.begin());
      return Status::Ok();
    case DType::kFloat32:
      std::copy_n(out.values<float>().data(), scores.size(), scores.begin());
      return Status::Ok();
    default:
      return Internal(
          fmt::format("the model's scores are {}, not float32 or float64", DTypeName(out.dtype())));
  }
}

}  // namespace vitrine::train
