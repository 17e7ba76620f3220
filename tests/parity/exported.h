/// For tests: what a fitted model leaves, as the serving runtime loads it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "adapters/onnxruntime/graph_testing.h"
#include "graph/builder.h"
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
  return adapters::LoadedForTest(*bytes);
}

}  // namespace vitrine
