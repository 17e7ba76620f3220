/// Item vectors that rank what a shopper takes next above what was not taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "train/model.h"

namespace vitrine::train {

struct BprOptions {
  std::int64_t factors = 64;  ///< d, a multiple of 8
  double learning_rate = 0.05;
  double regularisation = 0.001;
  std::int64_t epochs = 20;
  std::int64_t negatives =
      64;                   ///< drawn a step, the hardest is learnt from; at most 1 in 100 items
  double decay = 0.6;       ///< a place of the history weighs decay^age, in the fit and when asked
  std::size_t length = 50;  ///< newest places of a history
};

/// x(history) = sum over places p of decay^age(p) * F(item(p)) / sum of decay^age(p); score(j) = x . V(j) + b(j).
/// Fitted by stochastic gradients on -log sigmoid(score(next) - score(negative)) + regularisation / 2 * squares, one step for
/// every place but the first of every history, histories in an order drawn each epoch; step sizes by AdaGrad, one a row.
/// A user has no vector of his own: what is asked with is what was fitted with, for shoppers who came later too.
/// Graph:  `history`, `age` [B, L] int64 -> `query` [B, d] float32; the item vectors are V with the bias b.
/// Fit's errors: kInvalidArgument (options, no history of two known items), kCancelled, kDataLoss (no longer finite: lower
///               the learning rate). Deterministic by seed.
/// Source:  Rendle et al., BPR: Bayesian personalized ranking from implicit feedback, UAI 2009; history instead of user
///          vector: Kabbur, Ning & Karypis, FISM, KDD 2013 (here with weights by age); negatives: Zhang et al.,
///          Optimizing top-N collaborative filtering via dynamic negative item sampling, SIGIR 2013.
std::unique_ptr<TrainableModel> MakeBpr(const BprOptions& options);

/// "bpr" and its parameters.
ModelFactory BprFactory();

}  // namespace vitrine::train
