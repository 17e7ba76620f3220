/// Scorer over a loaded artifact: FeatureSpec, then the graph. The one path from histories to
/// scores, so that what is evaluated and explained is what is served.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/catalogue.h"
#include "core/scorer.h"
#include "data/feature_spec.h"
#include "serve/model_runtime.h"

namespace vitrine::serve {

/// What a request adds to its history; one for all histories of a Scorer.
struct RequestFacts {
  std::optional<Micros> as_of;  ///< unset: the moment of each history's newest event
  const User* user = nullptr;
  const Attributes* context = nullptr;
};

/// Threads: Score from any thread; graph and spec outlive it.
class GraphScorer final : public Scorer {
 public:
  /// `width` is the vocabulary's, padding and unknown included.
  GraphScorer(const LoadedGraph& graph, const data::FeatureSpec& spec, std::size_t width,
              RequestFacts facts = {});

  [[nodiscard]] std::size_t width() const override { return width_; }
  /// Errors: as Scorer; kInternal (the graph failed, or its first output is not [B, width] of
  ///         float32 or float64).
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override;

 private:
  const LoadedGraph& graph_;
  const data::FeatureSpec& spec_;
  std::size_t width_;
  RequestFacts facts_;
};

/// Checks that `scores` is what a retriever answers: [batch, width], float32 or float64.
/// Errors: kInternal, names what differs.
Status CheckScores(const Tensor& scores, std::size_t batch, std::size_t width);

}  // namespace vitrine::serve
