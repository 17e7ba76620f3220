/// Which places of a history made a score: contributions that add up to it exactly.
/// A place is removed by setting its item to 0 (padding), so it stays where it is and the rest of
/// the history keeps its positions and ages. base = the score with every place removed.
/// Source: Shapley values (Shapley 1953); estimated over permutations, each with its reverse
///         (antithetic pairs; Mitchell, Cooper, Frank, Holmes 2022, section 4.1).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/history.h"
#include "core/scorer.h"
#include "core/status.h"

namespace vitrine::explain {

enum class Method : std::uint8_t {
  kAdditive,      ///< the model is additive in its places here: one place at a time is exact
  kSubsets,       ///< few places: every subset was scored, exact Shapley values
  kPermutations,  ///< estimated; still adds up exactly
};

struct AttributionOptions {
  /// Antithetic pairs of permutations; 0: as many as 800 scored histories allow, 4 to 64.
  std::size_t pairs = 0;
  std::size_t subset_places = 5;  ///< up to this many places, subsets are enumerated
  std::size_t batch = 64;         ///< histories per Score call: bounds memory at batch * width * 8
  std::uint64_t seed = 1;         ///< the same request gives the same explanation
  double tolerance = 1e-5;        ///< relative, for taking a model as additive; float32's is enough
};

struct Attribution {
  Method method = Method::kAdditive;
  std::size_t scored = 0;                          ///< histories scored
  std::vector<double> base;                        ///< per target item
  std::vector<double> score;                       ///< per target item, of the whole history
  std::vector<std::vector<double>> contributions;  ///< [target][place]; 0 for removed and unknown
  /// [target][place]: standard error of an estimate over its pairs of permutations; 0 where it is exact.
  std::vector<std::vector<double>> errors;
  /// Largest |score - base - sum of the parts| over the targets, before it was given to the largest part.
  double residual = 0;
};

std::string_view MethodName(Method method);

/// Explains the scores of `targets` (item indexes) for one history. For each target
/// base + sum(contributions) equals score up to rounding of that sum, whatever the method.
/// Errors:  kInvalidArgument (a target outside the vocabulary), kInternal (a score is not finite),
///          those of Score.
/// Threads: any.
Result<Attribution> Attribute(const Scorer& scorer, const History& history,
                              std::span<const ItemIndex> targets,
                              const AttributionOptions& options = {});

}  // namespace vitrine::explain
