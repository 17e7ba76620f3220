/// RowScorer over a fitted ranker in this process: FeatureSpec, Score, calibration. What validation and the
/// golden set use; serving's counterpart runs the exported graph.
#pragma once

#include <vector>

#include "evaluate/evaluate_rows.h"
#include "train/calibration.h"
#include "train/ranker.h"

namespace vitrine::train {

/// Threads: Score from any thread; ranker and features outlive it.
class RankerScorer final : public evaluate::RowScorer {
 public:
  RankerScorer(const TrainableRanker& ranker, const data::FeatureSpec& features,
               Calibration calibration)
      : ranker_(ranker), features_(features), calibration_(calibration) {}

  Status Score(std::span<const data::FeatureInput> inputs,
               std::vector<double>& probabilities) const override {
    std::vector<Tensor> tensors;
    std::vector<float> raw;
    RETURN_IF_ERROR(features_.Apply(inputs, tensors));
    RETURN_IF_ERROR(ranker_.Score(tensors, raw));
    probabilities.clear();
    for (const float p : raw) {
      probabilities.push_back(calibration_.Of(double{p}));
    }
    return Status::Ok();
  }

 private:
  const TrainableRanker& ranker_;
  const data::FeatureSpec& features_;
  Calibration calibration_;
};

}  // namespace vitrine::train
