/// Port between the trainer and what it fits: one implementation a file under train/models.
/// Road: features and sequences in (Fit) -> scores in process (Score) -> the same scores as an ONNX
/// graph (ExportGraph, ItemVectors). The golden set of an artifact is made by Score and checked on the graph.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/progress.h"
#include "core/status.h"
#include "core/tensor.h"
#include "data/feature_spec.h"
#include "graph/item_vectors.h"
#include "train/member_spec.h"
#include "train/parameters.h"

namespace vitrine::graph {
class Builder;
}

namespace vitrine::train {

struct TrainingSequences;  // train/sequences.h
struct WarmStart;          // train/warm_start.h
struct NetworkWeight;      // train/network_weights.h
class TrainableModel;

/// What a fit settled on by itself, by name ("epochs"): handed to the next fit of the same spec, so
/// that the fit on train + validation does not look at validation again.
using Chosen = std::map<std::string, double>;

struct FitOutcome {
  Chosen chosen;
  double best = 0;                      ///< best validation value seen; 0 where not asked for
  std::map<std::string, double> notes;  ///< for the result JSON: "loss", "epochs", "pairs", ...
};

struct FitContext {
  std::uint64_t seed = 0;
  /// The protocol's validation value (NDCG@10, higher is better) of the model as it stands.
  /// Empty where there is nothing to validate on (a fit that includes the validation part).
  /// Models without early stopping need not call it: the trainer measures after Fit as well.
  std::function<Result<double>(const TrainableModel&)> validate;
  /// From an earlier fit; empty on the first one.
  Chosen chosen;
  /// Where a long fit keeps its state: written whole-file-then-rename, at least once an epoch and
  /// when cancelled; continued from where it exists and was written under the same `fingerprint`
  /// (else started afresh). Empty: keep none. Models that fit in seconds ignore it.
  std::string checkpoint;
  std::string fingerprint;
  /// Makes the inputs of Score of histories, the model's Features() first; outlives the fit. Null
  /// where a test fits a model that does not score while it is fitted.
  const data::FeatureSpec* features = nullptr;
  /// An earlier version to start from; outlives the fit. Null: from nothing. Read by models that StartsWarm.
  const WarmStart* warm = nullptr;
  Progress progress;
};

/// Threads: Fit by one thread; Score and ExportGraph from any after Fit.
class TrainableModel {
 public:
  virtual ~TrainableModel() = default;

  /// The features this model reads, in the order of Score's inputs; each name is a graph input.
  [[nodiscard]] virtual std::vector<data::FeatureDef> Features() const = 0;

  /// Fits from nothing (or from context.checkpoint, else from context.warm).
  /// Errors: kCancelled (context.progress.stop; the checkpoint is written), kInvalidArgument (no
  ///         usable sequence), kResourceExhausted.
  virtual Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) = 0;

  /// Shapes:  inputs: what FeatureSpec::Apply made, one tensor per Features() entry, batch B;
  ///          scores: [B, width] float64 (counting models) or float32 (networks), width = padding
  ///          and unknown included; columns 0 and 1 are never ranked.
  /// Errors:  kInvalidArgument (shape, type, item outside the vocabulary).
  virtual Status Score(std::span<const Tensor> inputs, Tensor& scores) const = 0;

  /// Rows whose best items and their scores stay as they are where float32 numbers that the model
  /// computes with differ in their last bits, as two runtimes' do: false where a tree's threshold or
  /// another step lies that near. The golden set is made of steady rows.
  /// Errors: as Score.
  [[nodiscard]] virtual Result<std::vector<bool>> Steady(std::span<const Tensor> inputs) const {
    return std::vector<bool>(inputs.empty() ? 0 : static_cast<std::size_t>(inputs[0].shape()[0]),
                             true);
  }

  /// True for models whose fit is long and can begin at an earlier version's weights (FitContext::warm).
  [[nodiscard]] virtual bool StartsWarm() const { return false; }
  /// Of a fitted model that StartsWarm: what a later one starts from, beside the item vectors.
  [[nodiscard]] virtual std::vector<NetworkWeight> Weights() const;

  /// Writes the fitted model as graph inputs (Features()), nodes and one output: `scores`, or `query`
  /// [B, d] float32 where there are item vectors.
  virtual Status ExportGraph(graph::Builder& builder) const = 0;

  /// The vectors whose inner products with the graph's `query` are the scores, one a vocabulary index;
  /// none where the graph answers the scores themselves.
  [[nodiscard]] virtual std::optional<graph::ItemVectors> ItemVectors() const {
    return std::nullopt;
  }
};

/// How a model is named, described and made; apps/trainer lists them.
struct ModelFactory {
  std::string algorithm;  ///< "markov"; also the stem of its file
  std::string summary;    ///< one sentence
  std::vector<ParameterDef> parameters;
  std::function<Result<std::unique_ptr<TrainableModel>>(const Parameters&)> create;
  /// Of an algorithm that joins other models, and used in place of `create`: the same with its
  /// members, as `complete` left them.
  std::function<Result<std::unique_ptr<TrainableModel>>(const Parameters&,
                                                        const std::vector<MemberSpec>&)>
      compose = {};
  /// Gives every member its name and every parameter its value.
  /// Errors: kInvalidArgument (none, an unknown algorithm or parameter, two of one name: says which).
  std::function<Result<std::vector<MemberSpec>>(std::vector<MemberSpec>)> complete = {};
  bool weighs_examples = false;  ///< its Fit honours TrainingSequences::weights
};

/// `members` with names and all parameters; empty for an algorithm that has none.
/// Errors: kInvalidArgument (an algorithm that has no members was given some), those of `complete`.
Result<std::vector<MemberSpec>> CompleteMembers(const ModelFactory& factory,
                                                const std::vector<MemberSpec>& members);

/// The model that a spec names. `members` are complete. Errors: those of `create` and `compose`.
Result<std::unique_ptr<TrainableModel>> MakeModel(const ModelFactory& factory,
                                                  const Parameters& parameters,
                                                  const std::vector<MemberSpec>& members);

}  // namespace vitrine::train
