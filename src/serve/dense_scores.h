/// The scores of a dense model for one request, each worked out when it is asked for: the best by a
/// search, single ones, or all of them.
/// Boosts change few scores: those are kept beside the search, which leaves their items out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/history.h"
#include "core/status.h"
#include "core/tensor.h"
#include "search/nearest_items.h"
#include "search/top_k.h"
#include "serve/dense_graph.h"

namespace vitrine::serve {

/// What is reused between requests of one thread.
struct DenseMemory {
  std::vector<float> query;
  search::NearestScratch nearest;
  std::vector<float> all;
  std::vector<std::uint64_t> boosted;  // bit i: adjusted[i] holds
  std::vector<std::uint64_t> skip;     // the caller's and the boosted ones
  std::vector<double> adjusted;
  std::vector<ItemIndex> found;
  std::vector<float> scores;
};

/// Threads: one. Allocates nothing once the memory has room, but for what a walk over an index of neighbours
/// takes.
class DenseScores {
 public:
  DenseScores() = default;
  DenseScores(const DenseGraph& graph, DenseMemory& memory) : graph_(&graph), memory_(&memory) {}

  /// False where the request's model is not dense.
  explicit operator bool() const { return graph_ != nullptr; }

  /// Makes the query; before anything else is asked. Errors: those of DenseGraph::Encode.
  Status Ask(std::span<const Tensor> features, std::vector<Tensor>& encoded);

  /// The model's score of one item, or of all.
  [[nodiscard]] double Plain(ItemIndex item) const;
  [[nodiscard]] std::span<const float> AllPlain() const;

  /// The score to change; where none was set yet, the model's.
  double& Boost(ItemIndex item);
  /// The score with boosts.
  [[nodiscard]] double Score(ItemIndex item) const;

  /// The k best by score with boosts: what search::SelectTop finds over all of them. Where the model's
  /// items are found by an index of neighbours, nearly those (see Retrieval), unless `accept` is given or
  /// less than half of the items may be shown.
  /// Shapes: skip [SkipWords(width)]
  void FindBest(std::size_t k, std::span<const std::uint64_t> skip, const search::RowFilter& accept,
                std::vector<search::RankedItem>& top) const;

 private:
  [[nodiscard]] bool IsBoosted(ItemIndex item) const {
    return (memory_->boosted[item / 64] >> (item % 64) & 1U) != 0;
  }
  bool FindNear(std::size_t k, std::span<const std::uint64_t> skip,
                std::vector<search::RankedItem>& top) const;
  void AddBoosted(std::size_t k, std::span<const std::uint64_t> skip,
                  const search::RowFilter& accept, std::vector<search::RankedItem>& top) const;

  const DenseGraph* graph_ = nullptr;
  DenseMemory* memory_ = nullptr;
  bool any_boost_ = false;
};

}  // namespace vitrine::serve
