/// The models that a hybrid joins: their features under their names, their fits, their scores.
/// Threads: as TrainableModel.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "train/model.h"
#include "train/models/held_out.h"

namespace vitrine::train {

struct HybridMember {
  std::string name;
  std::unique_ptr<TrainableModel> model;
};

/// A member's features: "markov.history", of a sequence of the member's own.
std::vector<data::FeatureDef> FeaturesOfMember(const HybridMember& member);

/// Scores of every member, in their order. `inputs`: one tensor per feature of the members, members in
/// their order.
/// Shapes: each of `scores` is [B, width], float32 or float64.
/// Errors: kInvalidArgument (inputs missing), the members' own, kInternal (scores of another shape).
Status ScoreMembers(const std::vector<HybridMember>& members, std::span<const Tensor> inputs,
                    std::size_t width, std::vector<Tensor>& scores);

/// What the fit of members needs of the hybrid's.
struct MembersFit {
  const FitContext& context;
  std::size_t own_features;  ///< of the hybrid, which stand before the members' in context.features
  std::string_view phase;    ///< "held out", "all": in progress and in names of checkpoints
};

/// Fits every member on `sequences`. With `held`, members that stop early are judged by NDCG@10 of its
/// targets, of 2,000 users at most; what they settle on is put into `chosen` as "markov.epochs", from
/// where the next fit takes it.
/// `notes` takes the members' notes in the same manner.
/// Errors: kCancelled, those of the members' fits: named.
Status FitMembers(const std::vector<HybridMember>& members, const TrainingSequences& sequences,
                  const HeldOut* held, const MembersFit& fit, Chosen& chosen,
                  std::map<std::string, double>& notes);

}  // namespace vitrine::train
