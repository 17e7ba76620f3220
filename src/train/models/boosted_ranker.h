/// Boosted trees for lists of candidates, by XGBoost.
/// Threads: one fit at a time uses `threads` of its own; equal examples and options give equal trees
/// where that is 1.
#pragma once

#include <cstdint>
#include <string>

#include "core/progress.h"
#include "core/status.h"
#include "train/models/candidate_ranker.h"
#include "train/models/tree_ensemble.h"

namespace vitrine::train {

struct BoostOptions {
  /// "softmax": the candidate that was taken against all others of its list, by their likelihood;
  /// "ndcg", "pairwise": XGBoost's own LambdaMART; "logistic": each row by itself, its score a log-odds.
  std::string objective = "softmax";
  std::int64_t rounds = 500;  ///< trees at most
  std::int64_t depth = 5;
  std::int64_t patience = 30;  ///< rounds without a better one before it stops
  double learning_rate = 0.06;
  double min_child_weight = 20;
  double lambda = 20;    ///< L2 of leaves
  double rows = 0.7;     ///< share of rows a tree sees
  double columns = 0.5;  ///< share of features a tree sees
  std::int64_t threads = 1;
  std::uint64_t seed = 1;
};

struct Boosted {
  TreeEnsemble trees;
  std::int64_t rounds = 0;  ///< of the best value on `watched`; options.rounds without it
  double best = 0;          ///< that value: NDCG@10, or minus the log-loss
};

/// With `watched`, stops early and keeps the trees up to the best round; without, all rounds are kept.
/// Errors: kCancelled; kInternal (XGBoost's own message); kInvalidArgument (no list).
Result<Boosted> Boost(const RankExamples& examples, const RankExamples* watched,
                      const BoostOptions& options, const Progress& progress);

}  // namespace vitrine::train
