/// Scorer over a fitted model in this process: FeatureSpec, then Score. What validation and the
/// golden set use; serving's counterpart runs the exported graph.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/scorer.h"
#include "data/feature_spec.h"
#include "train/model.h"

namespace vitrine::train {

/// Features of `histories`, each asked at the moment of its newest event.
Status ApplyFeatures(const data::FeatureSpec& features, std::span<const History> histories,
                     std::vector<Tensor>& out);

/// The tensors that the model reads: its own features stand first, the spec's further ones after.
std::span<const Tensor> InputsOf(const TrainableModel& model, std::span<const Tensor> features);

/// Threads: Score from any thread; model and features outlive it.
class ModelScorer final : public Scorer {
 public:
  ModelScorer(const TrainableModel& model, const data::FeatureSpec& features)
      : model_(model), features_(features) {}

  [[nodiscard]] std::size_t width() const override { return features_.width(); }
  /// Errors: also kInternal (the model's scores have another shape than [B, width]), kDataLoss (a score of an
  ///         item is no finite number).
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override;

 private:
  const TrainableModel& model_;
  const data::FeatureSpec& features_;
};

}  // namespace vitrine::train
