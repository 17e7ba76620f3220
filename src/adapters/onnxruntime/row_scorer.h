/// An artifact that says how likely a candidate is taken, ready to be judged: opened, verified, loaded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "evaluate/evaluate_rows.h"
#include "serve/candidate_scorer.h"
#include "serve/model_runtime.h"

namespace vitrine::adapters {

/// Threads: Score from any thread.
class GraphRowScorer final : public evaluate::RowScorer {
 public:
  /// Opens the artifact of a ranker, or of a graph that was trained on a table.
  /// Errors: those of graph::OpenArtifact, FeatureSpec::Parse, Vocabulary::Parse, ModelRuntime::Load and
  ///         CandidateLayout::Of; kInvalidArgument (the artifact scores a vocabulary, or has no
  ///         featurespec.json).
  static Result<std::unique_ptr<GraphRowScorer>> Load(const std::string& dir,
                                                      serve::ModelRuntime& runtime);

  /// Rows of many users in one run where the graph takes a row a candidate; else one run a row.
  /// Errors: those of Apply and of the graph.
  Status Score(std::span<const data::FeatureInput> inputs,
               std::vector<double>& probabilities) const override;

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  /// Empty of a table's graph.
  [[nodiscard]] const data::Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  GraphRowScorer() = default;

  Manifest manifest_;
  data::Vocabulary vocabulary_;
  data::FeatureSpec features_;
  serve::CandidateLayout layout_;
  std::unique_ptr<serve::LoadedGraph> graph_;
};

}  // namespace vitrine::adapters
