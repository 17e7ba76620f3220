/// For tests: a ranker whose score of a candidate is a C++ function of the history and the candidate.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/feature_spec.h"
#include "serve/model_runtime.h"
#include "serve/served_model.h"

namespace vitrine::serve {

/// scores[c] = function(history's row c, candidate[c]), [C].
class FakeRankerGraph final : public LoadedGraph {
 public:
  using Function =
      std::function<float(std::span<const std::int64_t> history, std::int64_t candidate)>;
  /// Runs fail while *fails is true.
  explicit FakeRankerGraph(Function function, std::shared_ptr<std::atomic<bool>> fails =
                                                  std::make_shared<std::atomic<bool>>(false))
      : function_(std::move(function)), fails_(std::move(fails)) {}
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    const auto named = [&inputs](std::string_view name) {
      const auto found = std::find_if(inputs.begin(), inputs.end(),
                                      [name](const Tensor& t) { return t.name() == name; });
      CHECK(found != inputs.end());
      return &*found;
    };
    if (*fails_) {
      return Internal("the fake ranker was told to fail");
    }
    const Tensor& history = *named("history");
    const auto candidates = named("item")->values<std::int64_t>();
    const auto width = static_cast<std::size_t>(history.shape()[1]);
    const Shape shape = {static_cast<std::int64_t>(candidates.size())};
    outputs.resize(1);
    outputs[0].set_name("scores");
    outputs[0].Resize(DType::kFloat32, shape);
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      outputs[0].values<float>()[c] =
          function_(history.values<std::int64_t>().subspan(c * width, width), candidates[c]);
    }
    return Status::Ok();
  }

 private:
  Function function_;
  std::shared_ptr<std::atomic<bool>> fails_;
  std::vector<TensorSpec> inputs_ = {{.name = "history", .dtype = DType::kInt64, .shape = {-1, -1}},
                                     {.name = "item", .dtype = DType::kInt64, .shape = {-1}}};
  std::vector<TensorSpec> outputs_ = {{.name = "scores", .dtype = DType::kFloat32, .shape = {-1}}};
};

/// A FeatureSpec of `history` [C, length] and `item` [C] over ids.
inline data::FeatureSpec RankerSpec(const std::vector<std::string>& ids, int length) {
  const data::Vocabulary vocabulary(ids);
  auto spec =
      data::FeatureSpec::Fit({{.name = "history",
                               .op = "history_items",
                               .source = "",
                               .options = {{"length", std::to_string(length)}}},
                              {.name = "item", .op = "candidate", .source = "", .options = {}}},
                             data::Interactions{}, data::ItemTable{}, vocabulary, Micros{0});
  CHECK(spec.ok());
  return std::move(spec).value();
}

inline ModelParts FakeRanker(
    const std::string& name, std::vector<std::string> ids, FakeRankerGraph::Function function,
    std::shared_ptr<std::atomic<bool>> fails = std::make_shared<std::atomic<bool>>(false)) {
  ModelParts parts;
  parts.manifest.name = name;
  parts.manifest.kind = ModelKind::kRanker;
  parts.spec = RankerSpec(ids, 5);
  parts.vocabulary = data::Vocabulary(std::move(ids));
  parts.graph = std::make_unique<FakeRankerGraph>(std::move(function), std::move(fails));
  return parts;
}

}  // namespace vitrine::serve
