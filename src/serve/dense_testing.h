/// For tests and benchmarks: a dense model of random vectors, and the same model as a graph that gives all
/// scores at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "graph/item_vectors.h"
#include "serve/dense_graph.h"
#include "serve/fake_graph.h"

namespace vitrine::serve {

/// Vectors of `items` items after padding's and unknown's. `levels` > 0: values are whole numbers below it
/// in size, so that many scores are equal.
inline graph::ItemVectors RandomVectors(std::size_t items, std::size_t width, int levels = 0) {
  graph::ItemVectors vectors{
      .rows = items + kFirstItem, .width = width, .bias = false, .values = {}};
  std::mt19937 engine(static_cast<unsigned>(items));
  std::normal_distribution<float> draw;
  const int largest = std::max(levels - 1, 0);
  std::uniform_int_distribution<int> whole(-largest, largest);
  vectors.values.resize(vectors.rows * width, 0.0F);
  for (std::size_t i = kFirstItem * width; i < vectors.values.size(); ++i) {
    vectors.values[i] = levels == 0 ? draw(engine) : static_cast<float>(whole(engine));
  }
  return vectors;
}

/// query = the sum of the vectors of the history's items.
inline std::unique_ptr<LoadedGraph> SumEncoder(
    const graph::ItemVectors& vectors,
    std::shared_ptr<std::atomic<bool>> fails = std::make_shared<std::atomic<bool>>(false)) {
  const std::size_t width = vectors.query_width();
  return std::make_unique<FakeGraph<float>>(
      width,
      [vectors, width](std::span<const std::int64_t> history, std::span<float> query) {
        for (const std::int64_t item : history) {
          for (std::size_t j = 0; j < width && item >= kFirstItem; ++j) {
            query[j] += vectors.values[static_cast<std::size_t>(item) * vectors.width + j];
          }
        }
      },
      std::move(fails));
}

/// Gives what another graph gives; nobody can see that it is dense.
class HiddenGraph final : public LoadedGraph {
 public:
  explicit HiddenGraph(std::unique_ptr<LoadedGraph> graph) : graph_(std::move(graph)) {}
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return graph_->inputs(); }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override {
    return graph_->outputs();
  }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    return graph_->Run(inputs, outputs);
  }

 private:
  std::unique_ptr<LoadedGraph> graph_;
};

/// A version of the dense model of `vectors`; `hidden`: as a graph of all scores.
inline ModelParts DenseParts(
    const std::string& name, std::vector<std::string> ids, const graph::ItemVectors& vectors,
    bool hidden, std::shared_ptr<std::atomic<bool>> fails = std::make_shared<std::atomic<bool>>()) {
  auto dense = DenseGraph::Make(SumEncoder(vectors, std::move(fails)), vectors);
  CHECK(dense.ok());
  ModelParts parts;
  parts.manifest.name = name;
  parts.spec = HistorySpec(ids, 5);
  parts.vocabulary = data::Vocabulary(std::move(ids));
  parts.graph = *std::move(dense);
  if (hidden) {
    parts.graph = std::make_unique<HiddenGraph>(std::move(parts.graph));
  }
  return parts;
}

}  // namespace vitrine::serve
