/// For tests: what a fitted model leaves, as the serving runtime loads it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/onnxruntime/graph_testing.h"
#include "graph/builder.h"
#include "serve/dense_graph.h"
#include "train/model.h"

namespace vitrine {

inline std::unique_ptr<serve::LoadedGraph> LoadedForTest(const train::TrainableModel& model) {
  graph::Builder builder("model");
  EXPECT_EQ(model.ExportGraph(builder), Status());
  Result<std::string> bytes = builder.Finish();
  if (!bytes.ok()) {
    ADD_FAILURE() << bytes.status().ToString();
    return nullptr;
  }
  std::unique_ptr<serve::LoadedGraph> graph = adapters::LoadedForTest(*bytes);
  const std::optional<graph::ItemVectors> vectors = model.ItemVectors();
  if (graph == nullptr || !vectors) {
    return graph;
  }
  auto dense = serve::DenseGraph::Make(std::move(graph), *vectors);
  if (!dense.ok()) {
    ADD_FAILURE() << dense.status().ToString();
    return nullptr;
  }
  return *std::move(dense);
}

}  // namespace vitrine
