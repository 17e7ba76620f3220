#include "train/models/tree_ensemble.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::train {
namespace {
using Json = nlohmann::json;

Status CheckTree(const std::vector<TreeNode>& tree, std::size_t columns) {
  if (tree.empty()) {
    return InvalidArgument("a tree has no node");
  }
  for (std::size_t n = 0; n < tree.size(); ++n) {
    const TreeNode& node = tree[n];
    if (!std::isfinite(node.value)) {
      return InvalidArgument(fmt::format("node {} holds {}", n, node.value));
    }
    const bool inside = node.left > n && node.left < tree.size() && node.right > n &&
                        node.right < tree.size() &&
                        node.feature < static_cast<std::int64_t>(columns);
    if (node.feature >= 0 && !inside) {
      return InvalidArgument(
          fmt::format("node {} splits feature {} of {} into nodes {} and {} of {}", n, node.feature,
                      columns, node.left, node.right, tree.size()));
    }
  }
  return Status::Ok();
}

/// The booster's trees: learner.gradient_booster.model.trees.
Result<const Json*> TreesIn(const Json& json) {
  const Json* at = &json;
  for (const char* key : {"learner", "gradient_booster", "model", "trees"}) {
    if (!at->is_object() || !at->contains(key)) {
      return InvalidArgument(fmt::format("XGBoost's model has no '{}'", key));
    }
    at = &(*at)[key];
  }
  return at->is_array() ? Result<const Json*>(at)
                        : InvalidArgument("XGBoost's model has no list of trees");
}

Result<std::vector<TreeNode>> TreeIn(const Json& tree) {
  for (const char* key : {"left_children", "right_children", "split_indices", "split_conditions"}) {
    if (!tree.is_object() || !tree.contains(key) || !tree[key].is_array() ||
        tree[key].size() != tree["left_children"].size()) {
      return InvalidArgument(fmt::format("a tree of XGBoost's has no '{}' for each node", key));
    }
  }
  std::vector<TreeNode> nodes(tree["left_children"].size());
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const auto left = tree["left_children"][n].get<std::int64_t>();
    nodes[n].value = tree["split_conditions"][n].get<float>();
    if (left >= 0) {
      nodes[n].feature = tree["split_indices"][n].get<std::int32_t>();
      nodes[n].left = static_cast<std::uint32_t>(left);
      nodes[n].right = static_cast<std::uint32_t>(tree["right_children"][n].get<std::int64_t>());
    }
  }
  return nodes;
}

/// The operator's attributes, filled node by node.
struct NodeLists {
  graph::Ints tree, node, feature, yes, no, missing;
  graph::Strings mode;
  std::vector<double> threshold;
  graph::Ints leaf_tree, leaf_node, leaf_target;
  std::vector<double> leaf;
};

Tensor DoublesOf(const std::vector<double>& values) {
  return Tensor::Of<double>("", {static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

Result<TreeEnsemble> TreeEnsemble::Make(const std::vector<std::vector<TreeNode>>& trees,
                                        std::size_t columns) {
  TreeEnsemble ensemble;
  for (std::size_t t = 0; t < trees.size(); ++t) {
    RETURN_IF_ERROR(CheckTree(trees[t], columns).WithContext(fmt::format("tree {}", t)));
    double least = std::numeric_limits<double>::infinity();
    for (const TreeNode& node : trees[t]) {
      least = node.feature < 0 ? std::min(least, double{node.value}) : least;
    }
    ensemble.least_ += least;
    ensemble.begin_.push_back(ensemble.nodes_.size());
    ensemble.nodes_.insert(ensemble.nodes_.end(), trees[t].begin(), trees[t].end());
  }
  return ensemble;
}

float TreeEnsemble::Score(std::span<const float> features) const {
  double sum = 0;
  for (const std::size_t begin : begin_) {
    const TreeNode* tree = nodes_.data() + begin;
    const TreeNode* node = tree;
    while (node->feature >= 0) {
      const bool left = features[static_cast<std::size_t>(node->feature)] < node->value;
      node = tree + (left ? node->left : node->right);
    }
    sum += double{node->value};
  }
  return static_cast<float>(sum);
}

graph::Value TreeEnsemble::Write(graph::Builder& b, const graph::Value& features) const {
  NodeLists lists;
  for (std::size_t t = 0; t < begin_.size(); ++t) {
    const std::size_t end = t + 1 < begin_.size() ? begin_[t + 1] : nodes_.size();
    for (std::size_t n = begin_[t]; n < end; ++n) {
      const TreeNode& node = nodes_[n];
      const bool leaf = node.feature < 0;
      const auto tree = static_cast<std::int64_t>(t);
      const auto number = static_cast<std::int64_t>(n - begin_[t]);
      lists.tree.push_back(tree);
      lists.node.push_back(number);
      lists.feature.push_back(leaf ? 0 : node.feature);
      lists.mode.emplace_back(leaf ? "LEAF" : "BRANCH_LT");
      lists.threshold.push_back(leaf ? 0 : double{node.value});
      lists.yes.push_back(leaf ? 0 : node.left);
      lists.no.push_back(leaf ? 0 : node.right);
      lists.missing.push_back(0);
      if (leaf) {
        lists.leaf_tree.push_back(tree);
        lists.leaf_node.push_back(number);
        lists.leaf_target.push_back(0);
        lists.leaf.push_back(double{node.value});
      }
    }
  }
  return b.Op("ai.onnx.ml.TreeEnsembleRegressor", {b.Cast(features, DType::kFloat64)},
              {{"n_targets", 1},
               {"aggregate_function", "SUM"},
               {"post_transform", "NONE"},
               {"nodes_treeids", lists.tree},
               {"nodes_nodeids", lists.node},
               {"nodes_featureids", lists.feature},
               {"nodes_modes", lists.mode},
               {"nodes_values_as_tensor", DoublesOf(lists.threshold)},
               {"nodes_truenodeids", lists.yes},
               {"nodes_falsenodeids", lists.no},
               {"nodes_missing_value_tracks_true", lists.missing},
               {"target_treeids", lists.leaf_tree},
               {"target_nodeids", lists.leaf_node},
               {"target_ids", lists.leaf_target},
               {"target_weights_as_tensor", DoublesOf(lists.leaf)}});
}

Result<TreeEnsemble> TreesOfXgboost(std::string_view json, std::size_t columns) {
  try {
    const Json model = Json::parse(json);
    ASSIGN_OR_RETURN(const Json* trees, TreesIn(model));
    std::vector<std::vector<TreeNode>> read;
    for (const Json& tree : *trees) {
      ASSIGN_OR_RETURN(std::vector<TreeNode> nodes, TreeIn(tree));
      read.push_back(std::move(nodes));
    }
    return TreeEnsemble::Make(read, columns);
  } catch (const Json::exception& e) {
    return InvalidArgument(fmt::format("XGBoost's model is not as expected: {}", e.what()));
  }
}

}  // namespace vitrine::train
