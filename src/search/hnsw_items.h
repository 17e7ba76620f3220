/// Items near a query by inner product, found by walking a graph of neighbours instead of reading every
/// item: faster over millions of items, and not exact.
/// Source: Malkov & Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical
/// Navigable Small World graphs, 2016; hnswlib's implementation.
/// Memory: about 250 bytes an item; the vectors stay the matrix's.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "core/status.h"
#include "search/item_matrix.h"
#include "search/nearest_items.h"

namespace vitrine::search {

struct HnswOptions {
  std::size_t first_row = 0;       ///< rows before it are not items
  std::size_t neighbours = 16;     ///< links of an item on each level, twice as many on the lowest
  std::size_t build_effort = 100;  ///< candidates looked at for the links of one item
  std::chrono::duration<double> build_within{60};  ///< a day at most
  std::stop_token stop = {};
};

class HnswItems {
 public:
  /// On the calling thread alone: hnswlib 0.6 draws levels from a generator that its threads share unlocked.
  /// Errors: kDeadlineExceeded (it would take longer than build_within: says how long, where a small part
  ///         shows it, else once the time is over), kCancelled, kResourceExhausted (no memory), kInternal.
  static Result<std::unique_ptr<HnswItems>> Build(std::shared_ptr<const ItemMatrix> matrix,
                                                  const HnswOptions& options);
  ~HnswItems();
  HnswItems(const HnswItems&) = delete;
  HnswItems& operator=(const HnswItems&) = delete;

  /// Candidates that a search keeps: more find more and take longer. Before the index is shared.
  void set_effort(std::size_t candidates);
  [[nodiscard]] std::size_t effort() const;

  /// Fills `found` with about k rows near the query, in no order. False where the walk failed (no memory):
  /// search exactly then.
  /// Shapes:  query [width]
  /// Threads: any, one scratch each. Allocates.
  bool Search(std::span<const float> query, std::size_t k, NearestScratch& scratch,
              std::vector<ItemIndex>& found) const;

 private:
  struct Graph;  // hnswlib's, behind this header
  explicit HnswItems(std::unique_ptr<Graph> graph);

  std::unique_ptr<Graph> graph_;
};

}  // namespace vitrine::search
