#include "train/model_scorer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/history.h"

namespace vitrine::train {

namespace {

/// A score that is no number compares with nothing: whatever it belongs to would seem to be the best item.
Status CheckNumbers(std::span<const double> scores, std::size_t width) {
  std::size_t bad = 0;
  for (std::size_t begin = 0; begin < scores.size(); begin += width) {
    const auto row = scores.subspan(begin, width).subspan(kFirstItem);
    bad += static_cast<std::size_t>(
        std::count_if(row.begin(), row.end(), [](double score) { return !std::isfinite(score); }));
  }
  if (bad == 0) {
    return Status::Ok();
  }
  return DataLoss(fmt::format(
      "{} of {} scores of the fitted model are no finite numbers: the fit went astray. Lower "
      "learning_rate or raise the regularisation of the spec",
      bad, scores.size()));
}

}  // namespace

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
      break;
    case DType::kFloat32:
      std::copy_n(out.values<float>().data(), scores.size(), scores.begin());
      break;
    default:
      return Internal(
          fmt::format("the model's scores are {}, not float32 or float64", DTypeName(out.dtype())));
  }
  return CheckNumbers(scores, width());
}

}  // namespace vitrine::train
