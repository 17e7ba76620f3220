/// A hybrid's answer as a graph: hybrid_candidates.h and a ranker, number for number.
/// Threads: pure functions.
#pragma once

#include <vector>

#include "graph/builder.h"
#include "train/models/candidate_ranker.h"
#include "train/models/hybrid_candidates.h"
#include "train/models/hybrid_members.h"

namespace vitrine::train {

/// Writes a member within its own scope; where its graph answers a query, with its item vectors.
/// Shapes: the answer is [batch, width] float64.
/// Errors: the member's; kInternal (no output `scores` or `query`).
Result<graph::Value> WriteMember(graph::Builder& b, const HybridMember& member);

/// Shapes: members' scores [batch, width] float64, history and ages [batch, length] int64; the answer is
/// [batch, width] float64: candidates by the ranker, the others at least one below them by their share.
graph::Value WriteHybrid(graph::Builder& b, const CandidateLayout& layout, const ItemFacts& facts,
                         const CandidateRanker& ranker, const std::vector<graph::Value>& scores,
                         const graph::Value& history, const graph::Value& ages);

/// How far below the ranker's least what is no candidate begins; shares add less than 1.
inline constexpr double kBelowCandidates = 2;

}  // namespace vitrine::train
