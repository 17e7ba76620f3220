/// From what was held out to the lists that a ranker is fitted on.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "train/models/candidate_ranker.h"
#include "train/models/held_out.h"
#include "train/models/hybrid_candidates.h"
#include "train/models/hybrid_members.h"

namespace vitrine::train {

struct ExampleSource {
  const CandidateLayout& layout;
  const ItemFacts& facts;
  const std::vector<HybridMember>& members;
  const HeldOut& held;
  const data::FeatureSpec& features;
};

struct ExamplesFound {
  RankExamples examples;
  std::size_t asked = 0;       ///< users whose candidates were looked for
  double found = 0;            ///< sum over them of the share of their targets that are candidates
  std::size_t candidates = 0;  ///< of all of them
};

/// Appends lists of users in an order drawn by the seed, until `most` of them hold a target. Lists
/// without one say nothing and are left out.
/// Memory: most x candidates x columns float32.
/// Errors: kCancelled; those of the members.
Status CollectExamples(const ExampleSource& source, std::size_t most, std::uint64_t seed,
                       const Progress& progress, ExamplesFound& collected);

/// The lists of every `every`-th user go into the second answer, the others into the first.
std::pair<RankExamples, RankExamples> SplitExamples(const RankExamples& examples,
                                                    std::size_t every);

/// The hybrid's own features stand first, in this order.
inline constexpr std::size_t kOwnFeatures = 2;
std::vector<data::FeatureDef> OwnFeatures(std::size_t length);

}  // namespace vitrine::train
