/// For tests and benchmarks of serving and explaining: a graph whose scores are a C++ function of
/// the history.
#pragma once

#include <algorithm>
#include <array>
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

/// scores[b] = function(history tensor's row b), over `width` items.
template <typename T>
class FakeGraph final : public LoadedGraph {
 public:
  using Function = std::function<void(std::span<const std::int64_t> history, std::span<T> scores)>;
  /// Runs fail while *fails is true.
  FakeGraph(std::size_t width, Function function,
            std::shared_ptr<std::atomic<bool>> fails = std::make_shared<std::atomic<bool>>(false))
      : function_(std::move(function)), fails_(std::move(fails)) {
    const auto w = static_cast<std::int64_t>(width);
    inputs_.push_back({.name = "history", .dtype = DType::kInt64, .shape = {-1, -1}});
    outputs_.push_back({.name = "scores", .dtype = DTypeOf<T>(), .shape = {-1, w}});
  }
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    const auto history = std::find_if(inputs.begin(), inputs.end(),
                                      [](const Tensor& t) { return t.name() == "history"; });
    if (history == inputs.end()) {
      return InvalidArgument("no tensor 'history'");
    }
    if (*fails_) {
      return Internal("the fake graph was told to fail");
    }
    const auto batch = static_cast<std::size_t>(history->shape()[0]);
    const auto length = static_cast<std::size_t>(history->shape()[1]);
    const auto width = static_cast<std::size_t>(outputs_[0].shape[1]);
    outputs.resize(1);
    outputs[0].set_name("scores");
    const std::array shape = {static_cast<std::int64_t>(batch), static_cast<std::int64_t>(width)};
    outputs[0].Resize(DTypeOf<T>(), shape);
    for (std::size_t b = 0; b < batch; ++b) {
      const auto row = outputs[0].template values<T>().subspan(b * width, width);
      std::fill(row.begin(), row.end(), T{0});
      function_(history->template values<std::int64_t>().subspan(b * length, length), row);
    }
    return Status::Ok();
  }

 private:
  Function function_;
  std::shared_ptr<std::atomic<bool>> fails_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

/// A FeatureSpec of one tensor, `history` [B, length], over ids.
inline data::FeatureSpec HistorySpec(const std::vector<std::string>& ids, int length) {
  const data::Vocabulary vocabulary(ids);
  auto spec =
      data::FeatureSpec::Fit({{.name = "history",
                               .op = "history_items",
                               .source = "",
                               .options = {{"length", std::to_string(length)}}}},
                             data::Interactions{}, data::ItemTable{}, vocabulary, Micros{0});
  CHECK(spec.ok());
  return std::move(spec).value();
}

template <typename T>
ModelParts FakeParts(const std::string& name, std::vector<std::string> ids, int length,
                     typename FakeGraph<T>::Function function) {
  ModelParts parts;
  parts.manifest.name = name;
  parts.spec = HistorySpec(ids, length);
  parts.vocabulary = data::Vocabulary(std::move(ids));
  parts.graph = std::make_unique<FakeGraph<T>>(parts.vocabulary.width(), std::move(function));
  return parts;
}

}  // namespace vitrine::serve
