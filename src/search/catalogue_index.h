/// Full-text search over the shop's catalogue: which items match a query, and why.
/// Threads: immutable once built.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/status.h"
#include "search/inverted_index.h"

namespace vitrine::search {

struct ItemHit {
  std::string_view item_id;  ///< of the index: valid while it lives
  double score = 0;
  std::vector<TermScore> terms;  ///< filled by Search(..., explain = true); they add up to score
};

/// BM25F over title, brand, categories, tags and description with the free text attributes.
class CatalogueIndex {
 public:
  /// Items in any order; hidden ones are left to the caller's `skip`.
  /// `like`: score as that index does (its term statistics), for a small index beside a large one.
  static Result<std::shared_ptr<const CatalogueIndex>> Build(std::span<const Item> items,
                                                             const CatalogueIndex* like = nullptr);

  /// The `n` best items; equal scores in the order of Build. `skip(id)` leaves an item out.
  [[nodiscard]] std::vector<ItemHit> Search(
      std::string_view query, std::size_t n,
      const std::function<bool(std::string_view)>& skip = nullptr, bool explain = false) const;

  [[nodiscard]] bool Contains(std::string_view id) const;
  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] std::size_t terms() const { return index_.terms(); }

 private:
  CatalogueIndex(std::vector<std::string> ids, InvertedIndex index);
  std::vector<std::string> ids_;
  std::vector<std::uint32_t> by_id_;  ///< places in ids_, in the order of the ids
  InvertedIndex index_;
};

}  // namespace vitrine::search
