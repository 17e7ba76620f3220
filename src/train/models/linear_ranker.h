/// A weighted sum of features for lists of candidates: the blend.
/// Threads: immutable once fitted.
#pragma once

#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "train/models/candidate_ranker.h"

namespace vitrine::train {

class LinearRanker final : public CandidateRanker {
 public:
  /// Weights that make what was taken likeliest among its list (softmax), with an L2 of `penalty` on
  /// weights of features of deviation 1, by Newton's method. Features are cut at what they were in the
  /// examples.
  /// Errors: kCancelled; kInvalidArgument (no list).
  static Result<LinearRanker> Fit(const RankExamples& examples, double penalty,
                                  const Progress& progress);

  [[nodiscard]] float Score(std::span<const float> features) const override;
  [[nodiscard]] double Least() const override;
  graph::Value Write(graph::Builder& b, const graph::Value& features) const override;

  [[nodiscard]] const std::vector<double>& weights() const { return weights_; }

 private:
  std::vector<double> weights_;  ///< by column
  std::vector<float> low_;       ///< of each column, in the examples
  std::vector<float> high_;
};

}  // namespace vitrine::train
