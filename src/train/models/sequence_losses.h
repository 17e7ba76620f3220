/// The losses of networks that read histories. Includes LibTorch: for .cc files of networks only.
/// Threads: LibTorch's; the same bits with one thread.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>

#include "train/models/sequence_options.h"

namespace vitrine::train {

/// A loss and its gradients, made together.
struct LossGradients {
  double loss = 0;       ///< mean over the places, each times its weight
  torch::Tensor states;  ///< [n, d]
  torch::Tensor items;   ///< [V, d]
};

/// Cross-entropy of softmax over every item, without a matrix of all places by all items: a chunk of
/// places at a time makes its logits, their softmax and both gradients in one buffer of at most about
/// 16 MB (more above 250,000 items). Three matrix products an item and place, where recomputing in a backward
/// pass takes four, and one look at each logit between them.
/// Shapes: states [n, d], wanted [n] int64 in 0 to V - 1, items [V, d].
/// `smoothing`: that share of each target is spread evenly over all items (Szegedy et al., CVPR 2016).
/// `weights`: [n] float, how often a place counts; not defined: all once.
LossGradients SoftmaxOverAll(const torch::Tensor& states, const torch::Tensor& wanted,
                             const torch::Tensor& items, double smoothing,
                             const torch::Tensor& weights = {});

/// What a step compares its places with.
struct Sampled {
  torch::Tensor states;     ///< [n, d]
  torch::Tensor positives;  ///< [n, d], the targets' vectors
  torch::Tensor negatives;  ///< [K, d], vectors of items drawn uniformly, shared by all places
  torch::Tensor same;  ///< [n, K] bool: the drawn item is the place's target; it does not count
  torch::Tensor weights = {};  ///< [n], how often a place counts; not defined: all once
};

/// A sampled loss and its gradients, made together.
struct SampledGradients {
  double loss = 0;
  torch::Tensor states;     ///< [n, d]
  torch::Tensor positives;  ///< [n, d]
  torch::Tensor negatives;  ///< [K, d]
};

/// SampledLoss of sampled_softmax and its gradients, a chunk of places at a time, in a third of autograd's
/// passes over the logits.
SampledGradients SampledSoftmax(const Sampled& sampled, std::int64_t items);

/// Mean over the places, each times its weight; differentiable. `items`: how many there are to draw from.
///   sampled_softmax  -log softmax, negatives' logits corrected by log(items / K), the uniform draw's
///                    logQ (Jean et al., ACL 2015, section 3.1; Bengio & Senecal, 2008)
///   bce              mean of -log sigmoid(s+) and the K -log(1 - sigmoid(s-))
///   gbce             the same with sigmoid(s+)^b, b = a (t (1 - 1/a) + 1/a), a = K / (items - 1), t =
///                    calibration (Petrov & Macdonald, RecSys 2023, section 4)
///   bpr              mean over K of -log sigmoid(s+ - s-) (Rendle et al., UAI 2009)
torch::Tensor SampledLoss(const SequenceOptions& options, const Sampled& sampled,
                          std::int64_t items);

}  // namespace vitrine::train
