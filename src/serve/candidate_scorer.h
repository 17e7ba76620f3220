/// Scores of given candidates: the FeatureSpec makes one row a candidate, the graph one score a row. What
/// ranks, explains, replays, checks an import and warms up a version of kind ranker is this one road.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/artifact.h"
#include "core/scorer.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"
#include "data/feature_spec.h"
#include "serve/graph_scorer.h"
#include "serve/model_runtime.h"

namespace vitrine::serve {

/// A ranker is warmed, and its time is taken, with so many: the `candidates` of a new scene.
inline constexpr std::size_t kWarmCandidates = 200;

/// How a graph wants the rows that its FeatureSpec makes, read off the sizes its inputs declare.
/// Of a feature with columns [L] (none: a plain value) and C candidates:
///   [-1, L]     as made: [C, L]
///   [1, L]      once: what is the same for every candidate (history, user, context)
///   [1, -1, L]  all candidates behind a first size of 1: [1, C, L]
///   [-1, 1]     of a plain value: [C, 1]
/// Threads: immutable.
class CandidateLayout {
 public:
  /// Errors: kInvalidArgument (an input that the spec does not make, of another type, of a shape that is
  ///         none of these, or that takes once what differs between candidates): names the input.
  static Result<CandidateLayout> Of(const data::FeatureSpec& spec,
                                    const std::vector<TensorSpec>& inputs);

  /// The inputs of one run: `features` themselves where the graph takes them as made, else `arranged`.
  /// Precondition: `features` are the spec's, of one input with `candidates` candidates.
  [[nodiscard]] std::span<const Tensor> Arrange(std::span<const Tensor> features,
                                                std::size_t candidates,
                                                std::vector<Tensor>& arranged) const;

 private:
  enum class Place : std::uint8_t { kRows, kOnce, kRow, kColumn };
  static Result<Place> PlaceOf(const data::FeatureDef& def, const TensorSpec& made,
                               const TensorSpec& input);

  std::vector<Place> places_;  // by feature
  bool as_made_ = true;
};

/// Takes the scores out of a ranker's first output: float32 or float64, [C], [C, 1] or [1, C].
/// Errors: kInternal (another type or shape, a score that is not finite), says which.
Status ReadCandidateScores(const Tensor& output, std::size_t candidates,
                           std::vector<double>& scores);

/// One run, until the deadline where another server does it. `features` gets what the spec made, a row a candidate, `scores` one a candidate; both are
/// reused between calls. `featured`, where it is not null, gets when the features were made. Precondition:
/// input.candidates is not empty.
/// Errors: the spec's, the graph's, those of ReadCandidateScores.
Status ScoreCandidates(const LoadedGraph& graph, const data::FeatureSpec& spec,
                       const CandidateLayout& layout, const data::FeatureInput& input,
                       std::vector<Tensor>& features, std::vector<double>& scores,
                       Deadline deadline = Deadline::max(), Deadline* featured = nullptr);

/// Scores every candidate beside all others and beside half of them: a score may not depend on which
/// others are there, or it could neither be explained nor replayed.
/// Errors: kInvalidArgument (it does: names the candidate and both scores), those of ScoreCandidates.
Status CheckScoredAlone(const LoadedGraph& graph, const data::FeatureSpec& spec,
                        const CandidateLayout& layout, const data::FeatureInput& input);

/// A Scorer over a few candidates: its item number i is candidates[i], from 0 on.
/// Threads: Score from any thread; graph, spec, layout and candidates outlive it.
class CandidateScorer final : public Scorer {
 public:
  CandidateScorer(const LoadedGraph& graph, const data::FeatureSpec& spec,
                  const CandidateLayout& layout, std::span<const ItemIndex> candidates,
                  RequestFacts facts = {});

  [[nodiscard]] std::size_t width() const override { return candidates_.size(); }
  /// One run of the graph a history. Errors: those of ScoreCandidates.
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override;

 private:
  const LoadedGraph& graph_;
  const data::FeatureSpec& spec_;
  const CandidateLayout& layout_;
  std::span<const ItemIndex> candidates_;
  RequestFacts facts_;
};

}  // namespace vitrine::serve
