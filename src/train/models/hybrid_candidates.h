/// Which items a hybrid ranks for a history, and what it knows of each: the step between its members'
/// scores and its ranker. hybrid_graph.h writes the same step as a graph, number for number.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/history.h"
#include "core/status.h"
#include "core/tensor.h"
#include "train/models/counting_model.h"
#include "train/sequences.h"

namespace vitrine::train {

struct CandidateLayout {
  std::size_t width = kFirstItem;  ///< of the vocabulary
  std::size_t members = 0;
  std::size_t best = 60;     ///< of each member, at most
  std::size_t length = 512;  ///< places of a history at most
  bool again = false;        ///< items of the history are candidates
  bool times = false;        ///< events have times, not places in an order

  /// Of a candidate: each member's score, share and rank; agreement, popularity, popularity of the
  /// newest item, length of the history; age of the item's newest event; baskets that hold it, the same
  /// with newer ones weighing more, as a share of the history's baskets; how often others come back.
  [[nodiscard]] std::size_t columns() const {
    return 3 * members + 4 + (times ? 1 : 0) + (again ? 4 : 0);
  }
  [[nodiscard]] std::size_t items() const { return width - kFirstItem; }
};

/// What the log says of items, by ItemIndex; 0 for padding and unknown.
struct ItemFacts {
  std::vector<float> popularity;  ///< log(1 + events)
  std::vector<float> days;        ///< log(1 + days from the newest event to the log's end)
  std::vector<float> repeats;     ///< of users with the item, the share with it in two baskets
};

/// Errors: kInvalidArgument (an item outside the vocabulary).
Result<ItemFacts> FactsOf(const TrainingSequences& sequences);

/// 1 / (1 + place) of each place, as many as there are.
std::vector<float> RankShares(const CandidateLayout& layout);
/// log(1 + n) of every length n that a history may have.
std::vector<float> LengthLogs(const CandidateLayout& layout);

/// Candidates of a batch, row by row, items rising within a row.
struct CandidateBatch {
  std::vector<std::size_t> begin;  ///< rows + 1 offsets
  std::vector<ItemIndex> item;
  std::vector<float> features;  ///< [candidates, columns]
  /// [rows, items]: mean over the members of (score - the row's least) / (the row's most - its least).
  std::vector<double> share;
};

/// A member's candidates are its `best` items by score, equal ones by lower index, that it scores above
/// its least of the row. Where the layout says so, items of the history count as scored least.
/// `scores`: [rows, width] of each member.
/// Errors: kInternal (a score that is not finite: names member and row).
Status FindCandidates(const CandidateLayout& layout, const ItemFacts& facts,
                      std::span<const Tensor> scores, const HistoryBatch& histories,
                      CandidateBatch& found);

}  // namespace vitrine::train
