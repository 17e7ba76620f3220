/// An artifact ready to score: opened, verified, loaded, and a Scorer over it that owns its parts.
/// The scoring itself is serve::GraphScorer's, so that evaluation, serving and explanation cannot
/// differ.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/scorer.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "serve/graph_scorer.h"
#include "serve/model_runtime.h"

namespace vitrine::adapters {

/// Owns what serve::GraphScorer borrows, and cuts long spans into batches.
/// Threads: Score from any thread.
class GraphScorer : public Scorer {
 public:
  /// `batch`: rows run at once.
  /// Errors: kInvalidArgument (the graph's first output is not [B, width] of float32 or float64, or
  ///         it takes an input that the FeatureSpec does not make: named).
  static Result<std::unique_ptr<GraphScorer>> Create(
      std::shared_ptr<const serve::LoadedGraph> graph,
      std::shared_ptr<const data::FeatureSpec> features, std::size_t width, std::size_t batch = 64);

  [[nodiscard]] std::size_t width() const override { return scorer_.width(); }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override;

 private:
  GraphScorer(std::shared_ptr<const serve::LoadedGraph> graph,
              std::shared_ptr<const data::FeatureSpec> features, std::size_t width,
              std::size_t batch);

  std::shared_ptr<const serve::LoadedGraph> graph_;
  std::shared_ptr<const data::FeatureSpec> features_;
  serve::GraphScorer scorer_;
  std::size_t batch_;
};

struct LoadedArtifact {
  std::string hash;
  Manifest manifest;
  std::shared_ptr<const data::Vocabulary> vocabulary;
  std::shared_ptr<const data::FeatureSpec> features;
  std::shared_ptr<const serve::LoadedGraph> graph;
  std::shared_ptr<const GraphScorer> scorer;
};

/// Opens an artifact folder (every hash verified) and loads its graph, FeatureSpec and vocabulary.
/// Errors: those of graph::OpenArtifact, data::Vocabulary::Parse, data::FeatureSpec::Parse,
///         ModelRuntime::Load and GraphScorer::Create; kDataLoss (vocabulary and FeatureSpec
///         differ in size).
Result<LoadedArtifact> LoadArtifact(const std::string& dir, serve::ModelRuntime& runtime,
                                    const serve::RuntimeOptions& options = {});

}  // namespace vitrine::adapters
