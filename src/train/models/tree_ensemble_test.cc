#include "train/models/tree_ensemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vitrine::train {
namespace {

using testing::HasSubstr;

/// feature 0 < 1 ? (feature 1 < 5 ? -1 : 2) : 3, and a tree that is a leaf of 0.25.
std::vector<std::vector<TreeNode>> Trees() {
  return {{{.feature = 0, .value = 1, .left = 1, .right = 2},
           {.feature = 1, .value = 5, .left = 3, .right = 4},
           {.value = 3},
           {.value = -1},
           {.value = 2}},
          {{.value = 0.25F}}};
}

float Scored(const TreeEnsemble& trees, std::vector<float> row) { return trees.Score(row); }

TEST(TreeEnsemble, ThresholdsBelongToTheRight) {
  const Result<TreeEnsemble> trees = TreeEnsemble::Make(Trees(), 2);
  ASSERT_TRUE(trees.ok()) << trees.status().ToString();
  EXPECT_EQ(Scored(*trees, {0, 4}), -0.75F);
  EXPECT_EQ(Scored(*trees, {0, 5}), 2.25F);
  EXPECT_EQ(Scored(*trees, {1, 0}), 3.25F);
  EXPECT_EQ(Scored(*trees, {std::nextafter(1.0F, 0.0F), 5}), 2.25F);
  EXPECT_EQ(trees->Least(), -0.75);
  EXPECT_EQ(trees->trees(), 2U);
  EXPECT_EQ(trees->nodes(), 6U);
}

TEST(TreeEnsemble, RefusesTreesThatCannotBeWalked) {
  struct Case {
    std::vector<TreeNode> tree;
    std::string word;
  };
  const std::vector<Case> cases = {
      {{}, "no node"},
      {{{.feature = 0, .value = 1, .left = 1, .right = 2}, {.value = 1}}, "nodes 1 and 2 of 2"},
      // A child before its parent could be walked for ever.
      {{{.feature = 0, .value = 1, .left = 0, .right = 1}, {.value = 1}}, "nodes 0 and 1"},
      {{{.feature = 2, .value = 1, .left = 1, .right = 1}, {.value = 1}}, "feature 2 of 2"},
      {{{.value = std::numeric_limits<float>::infinity()}}, "holds inf"}};
  for (const Case& c : cases) {
    const Status status = TreeEnsemble::Make({c.tree}, 2).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr(c.word));
  }
}

TEST(TreeEnsemble, ReadsWhatXgboostSavesAndNothingElse) {
  const std::string good = R"({"learner":{"gradient_booster":{"model":{"trees":[
      {"left_children":[1,-1,-1],"right_children":[2,-1,-1],"split_indices":[1,0,0],
       "split_conditions":[0.1,-2E-1,3.4028235E1]}]}}}})";
  const Result<TreeEnsemble> trees = TreesOfXgboost(good, 2);
  ASSERT_TRUE(trees.ok()) << trees.status().ToString();
  EXPECT_EQ(Scored(*trees, {9, 0.05F}), -0.2F);
  EXPECT_EQ(Scored(*trees, {0, 0.1F}), 34.028235F);
  const std::pair<std::string, std::string> bad[] = {
      {"{", "not as expected"},
      {"[]", "no 'learner'"},
      {R"({"learner":{"gradient_booster":{"model":{"weights":[]}}}})", "no 'trees'"},
      {R"({"learner":{"gradient_booster":{"model":{"trees":[{"left_children":[1]}]}}}})",
       "no 'right_children'"}};
  for (const auto& [text, word] : bad) {
    EXPECT_THAT(TreesOfXgboost(text, 2).status().message(), HasSubstr(word)) << text;
  }
}

}  // namespace
}  // namespace vitrine::train
