/// A model whose scores depend on the hour of the request, for tests of explanations.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"
#include "serve/fake_shop.h"

namespace vitrine::explain {

/// Looks at the request's hour beside the history.
class HourGraph final : public serve::LoadedGraph {
 public:
  HourGraph(std::vector<TensorSpec> inputs, std::int64_t width) : inputs_(std::move(inputs)) {
    outputs_.push_back({.name = "scores", .dtype = DType::kFloat64, .shape = {-1, width}});
  }
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    const auto named = [&inputs](std::string_view name) {
      return std::find_if(inputs.begin(), inputs.end(),
                          [name](const Tensor& tensor) { return tensor.name() == name; });
    };
    const Tensor& history = *named("history");
    const auto hours = named("hour")->values<float>();
    const auto length = static_cast<std::size_t>(history.shape()[1]);
    const auto width = static_cast<std::size_t>(outputs_[0].shape[1]);
    outputs.resize(1);
    outputs[0].set_name("scores");
    const std::array shape = {history.shape()[0], outputs_[0].shape[1]};
    outputs[0].Resize(DType::kFloat64, shape);
    for (std::size_t b = 0; b < hours.size(); ++b) {
      const auto row = outputs[0].values<double>().subspan(b * width, width);
      for (std::size_t j = 0; j < width; ++j) {
        row[j] = 0.01 * static_cast<double>(j) + 0.5 * static_cast<double>(hours[b]);
      }
      serve::Neighbours<double>(history.values<std::int64_t>().subspan(b * length, length), row);
    }
    return Status::Ok();
  }

 private:
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

inline serve::ModelParts HourModel(const std::vector<std::string>& names) {
  serve::ModelParts parts;
  parts.manifest.name = "hour";
  parts.vocabulary = data::Vocabulary(names);
  auto spec = data::FeatureSpec::Fit(
      {{.name = "history", .op = "history_items", .source = "", .options = {{"length", "5"}}},
       {.name = "hour", .op = "context", .source = "context.hour", .options = {}}},
      data::Interactions{}, data::ItemTable{}, parts.vocabulary, Micros{0});
  CHECK(spec.ok());
  parts.spec = *std::move(spec);
  parts.graph = std::make_unique<HourGraph>(parts.spec.Outputs(),
                                            static_cast<std::int64_t>(parts.vocabulary.width()));
  return parts;
}

}  // namespace vitrine::explain
