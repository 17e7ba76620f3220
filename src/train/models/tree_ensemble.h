/// A sum of regression trees: read from what XGBoost saves, scored here, written as the standard
/// operator TreeEnsembleRegressor (ai.onnx.ml 3).
/// A row goes left where feature < threshold, both float32 and never missing; leaves are added in
/// float64, as the operator adds them for float64 inputs, so that the order of trees does not show.
/// Threads: immutable.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "train/models/candidate_ranker.h"

namespace vitrine::train {

struct TreeNode {
  std::int32_t feature = -1;  ///< below 0: a leaf
  float value = 0;            ///< threshold of a branch, value of a leaf
  std::uint32_t left = 0;     ///< within the tree
  std::uint32_t right = 0;
};

class TreeEnsemble final : public CandidateRanker {
 public:
  /// A tree is a vector of nodes, its root first.
  /// Errors: kInvalidArgument (a tree without nodes, a child outside its tree or not behind its
  ///         parent, a feature outside [0, columns), a value that is not finite).
  static Result<TreeEnsemble> Make(const std::vector<std::vector<TreeNode>>& trees,
                                   std::size_t columns);

  [[nodiscard]] float Score(std::span<const float> features) const override;
  [[nodiscard]] double Least() const override { return least_; }
  graph::Value Write(graph::Builder& b, const graph::Value& features) const override;

  [[nodiscard]] std::size_t trees() const { return begin_.size(); }
  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }

 private:
  std::vector<TreeNode> nodes_;  ///< tree after tree; children count from their tree's root
  std::vector<std::size_t> begin_;
  double least_ = 0;  ///< the sum of each tree's smallest leaf
};

/// From the JSON that XGBoost 1.7 saves a booster of trees as, with base_score 0.
/// Errors: kInvalidArgument (another model or layout: says what is missing), those of Make.
Result<TreeEnsemble> TreesOfXgboost(std::string_view json, std::size_t columns);

}  // namespace vitrine::train
