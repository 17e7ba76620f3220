#include "adapters/onnxruntime/row_scorer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "adapters/onnxruntime/graph_testing.h"
#include "graph/artifact_files.h"
#include "graph/builder.h"
#include "serve/fake_ranker.h"

namespace vitrine::adapters {
namespace {

using graph::Builder;
using graph::Value;

/// Places of the history that hold the item, over 10. `batch` is how the graph's history counts rows.
std::string Share(const graph::Dim& batch) {
  Builder b("share");
  const Value history = b.Input("history", DType::kInt64, {batch, "length"});
  const Value item = b.Input("item", DType::kInt64, {"candidates"});
  const Value same = b.Cast(b.Equal(history, b.Unsqueeze(item, {1})), DType::kFloat32);
  b.Output("probability", b.Mul(b.ReduceSum(same, {1}, false), b.Scalar(0.1F)), DType::kFloat32,
           {"candidates"});
  return *b.Finish();
}

const std::vector<std::string> kIds = {"a", "b", "c"};

/// An artifact of the kind, with everything that a ranker has but `leave_out`.
std::string Made(const FolderForTest& folder, const std::string& name, ModelKind kind,
                 const graph::Dim& batch, const std::string& leave_out = "") {
  Manifest manifest;
  manifest.name = "share";
  manifest.kind = kind;
  std::map<std::string, std::string> files = {
      {std::string(graph::kModelFile), Share(batch)},
      {std::string(graph::kFeatureSpecFile), serve::RankerSpec(kIds, 5).ToJson()},
      {std::string(graph::kVocabularyFile), data::Vocabulary(kIds).ToText()}};
  files.erase(leave_out);
  const auto artifact = graph::WriteArtifact(folder.path() + "/" + name, manifest, files);
  EXPECT_TRUE(artifact.ok()) << artifact.status().ToString();
  return artifact.ok() ? artifact->dir : "";
}

class RowScorer : public testing::Test {
 protected:
  Result<std::unique_ptr<GraphRowScorer>> Load(const std::string& dir) {
    return GraphRowScorer::Load(dir, *runtime_);
  }
  FolderForTest folder_;
  std::unique_ptr<serve::ModelRuntime> runtime_ = *MakeOnnxRuntime();
};

TEST_F(RowScorer, RowsOfManyUsersGetWhatEachGetsAlone) {
  const std::vector<History> histories = {{},
                                          {{2, Micros{1}, EventType::kView, 0}},
                                          {{2, Micros{1}, EventType::kView, 0},
                                           {3, Micros{2}, EventType::kView, 1},
                                           {2, Micros{3}, EventType::kView, 2}}};
  const std::vector<ItemIndex> candidates = {2, 3, kUnknownItem};
  std::vector<data::FeatureInput> inputs;
  std::vector<double> wanted;
  for (const History& history : histories) {
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      data::FeatureInput input;
      input.history = history;
      input.candidates = std::span(candidates).subspan(c, 1);
      inputs.push_back(input);
      wanted.push_back(0.1 * static_cast<double>(std::count_if(history.begin(), history.end(),
                                                               [&](const HistoryEvent& event) {
                                                                 return event.item == candidates[c];
                                                               })));
    }
  }
  // A row a candidate in one run, and a graph that takes one history a run.
  for (const auto& [name, batch] :
       std::map<std::string, graph::Dim>{{"rows", "batch"}, {"once", 1}}) {
    const auto scorer = Load(Made(folder_, name, ModelKind::kRanker, batch));
    ASSERT_TRUE(scorer.ok()) << scorer.status().ToString();
    std::vector<double> got;
    const Status status = (*scorer)->Score(inputs, got);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(got[i], wanted[i], 1e-6) << name << " " << i;
    }
  }
}

TEST_F(RowScorer, WhatCannotBeJudgedByRowsIsRefused) {
  const Status retriever = Load(Made(folder_, "r", ModelKind::kRetriever, "batch")).status();
  EXPECT_NE(retriever.message().find("is a retriever"), std::string::npos) << retriever.ToString();
  const Status bare =
      Load(Made(folder_, "g", ModelKind::kGraph, "batch", std::string(graph::kFeatureSpecFile)))
          .status();
  EXPECT_NE(bare.message().find("no featurespec.json"), std::string::npos) << bare.ToString();
  const Status mixed =
      Load(Made(folder_, "v", ModelKind::kRanker, "batch", std::string(graph::kVocabularyFile)))
          .status();
  EXPECT_EQ(mixed.code(), Code::kDataLoss) << mixed.ToString();
  EXPECT_EQ(Load(folder_.path() + "/none").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace vitrine::adapters
