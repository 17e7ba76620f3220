/// The Scorer of an artifact: its FeatureSpec and its graph, as evaluation, serving and explanation
/// all use it, so that the three cannot differ.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/scorer.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "serve/model_runtime.h"

namespace vitrine::adapters {

/// Threads: Score from any thread.
class GraphScorer : public Scorer {
 public:
  /// `batch`: rows run at once; a longer span is cut into such pieces.
  /// Errors: kInvalidArgument (the graph has no output `scores` [B, width] of float32 or float64,
  ///         or wants an input that the FeatureSpec does not make: named).
  static Result<std::unique_ptr<GraphScorer>> Create(
      std::shared_ptr<const serve::LoadedGraph> graph,
      std::shared_ptr<const data::FeatureSpec> features, std::size_t width, std::size_t batch = 64);

  [[nodiscard]] std::size_t width() const override { return width_; }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override;

  /// Scores rows of prepared features ([B, ...] by name), as explanation needs with places removed.
  /// Shapes: scores[b * width() + item].
  Status ScoreFeatures(std::span<const Tensor> features, std::vector<double>& scores) const;

  [[nodiscard]] const data::FeatureSpec& features() const { return *features_; }

 private:
  GraphScorer(std::shared_ptr<const serve::LoadedGraph> graph,
              std::shared_ptr<const data::FeatureSpec> features, std::size_t width,
              std::size_t batch, std::size_t output);
  Status RunBatch(std::span<const Tensor> features, double* scores) const;

  std::shared_ptr<const serve::LoadedGraph> graph_;
  std::shared_ptr<const data::FeatureSpec> features_;
  std::size_t width_;
  std::size_t batch_;
  std::size_t output_;  ///< index of `scores` among the graph's outputs
};

/// Opens an artifact folder (every hash verified), loads its graph and FeatureSpec.
struct LoadedArtifact {
  Manifest manifest;
  std::string hash;
  std::shared_ptr<const data::Vocabulary> vocabulary;
  std::shared_ptr<const data::FeatureSpec> features;
  std::shared_ptr<const serve::LoadedGraph> graph;
  std::shared_ptr<const GraphScorer> scorer;
};
/// Errors: those of graph::OpenArtifact, data::Vocabulary::Parse, data::FeatureSpec::Parse,
///         ModelRuntime::Load and GraphScorer::Create; kDataLoss where the manifest and the
///         vocabulary differ in size.
Result<LoadedArtifact> LoadArtifact(const std::string& dir, serve::ModelRuntime& runtime,
                                    const serve::RuntimeOptions& options = {});

}  // namespace vitrine::adapters
