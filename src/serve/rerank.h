/// Chooses an answer's items among the best scored, place by place, so that they differ from each other and so
/// that new ones get the places that are kept for them, inside the limits of spacing.
/// Source: MMR: Carbonell and Goldstein, SIGIR 1998. DPP: Chen, Zhang and Zhou, NeurIPS 2018, algorithm 1 (greedy
///         MAP inference with incremental Cholesky factors). Places by prefix: Zehlike et al., CIKM 2017, section 3,
///         with a fixed share in place of its test.
/// Threads: pure; scratch is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "serve/scene.h"
#include "serve/spacing.h"

namespace vitrine::serve {

/// One item that may get a place.
struct RerankItem {
  Likeness likeness;     ///< for spacing
  double relevance = 0;  ///< falls with the score; 1 the best and 0 the last of the pool
  bool scored = true;    ///< false: comes after all that are, in the order given
  bool reserve = false;  ///< only for places that are kept for new items
  bool is_new = false;
};

/// How alike two items are, by their positions, in [-1, 1]. Holds a reference: what it is made of outlives it.
class PairAlikeness {
 public:
  template <typename F>
  explicit PairAlikeness(const F& alike)
      : context_(&alike), call_([](const void* context, std::size_t a, std::size_t b) {
          return static_cast<double>((*static_cast<const F*>(context))(a, b));
        }) {}
  double operator()(std::size_t a, std::size_t b) const { return call_(context_, a, b); }

 private:
  const void* context_;
  double (*call_)(const void*, std::size_t, std::size_t);
};

struct RerankPlan {
  const Spacing& spacing;
  DiversityMethod method = DiversityMethod::kMmr;
  double strength = 0;   ///< of variety, in [0, 1]
  double new_share = 0;  ///< of the first p places at least floor(new_share * p) go to new items
  std::size_t n = 0;
  bool all = true;  ///< take an item that breaks a limit before a place stays empty
};

/// Places that are varied; what follows stands by its score. Bounds the work at this times the items.
inline constexpr std::size_t kMostVaried = 100;

/// The DPP's kernel has 1 on its diagonal and this times the likeness beside it, so that an item that is like
/// one above in everything still has a chance and no determinant is 0.
inline constexpr double kDppLikeness = 0.99;

struct RerankPlace {
  std::uint32_t item = 0;  ///< its position
  bool kept = false;  ///< it got a place kept for new items, and another item would have had it
};

/// Reused between calls.
struct RerankScratch {
  std::vector<RerankPlace> places;
  std::vector<bool> taken;
  std::vector<Likeness> spaced;
  std::vector<double> nearest;  // MMR: likeness to the nearest item above
  std::vector<double> rest;     // DPP: squared distance from the span of those above
  std::vector<double> rows;     // DPP: Cholesky rows, kMostVaried an item at most
};

/// Each place takes, of the items that break no limit of spacing, the one with the most
///   MMR: (1 - s) * relevance - s * max(0, its likeness to the nearest item above)
///   DPP: (1 - s) * relevance + s * log(det K(above + it) / det K(above)),
/// of equal ones the first. Where the share of new items would not be kept otherwise, it is taken among the new items
/// alone; where none of them fits, they wait for the next place. With strength and share 0 this is Arrange.
/// `items` stand best first, those that are not scored last. Returns scratch.places: fewer than n where no more items may
/// be taken. Allocates nothing once scratch has room.
std::span<const RerankPlace> Rerank(const RerankPlan& plan, std::span<const RerankItem> items,
                                    const PairAlikeness& alike, RerankScratch& scratch);

}  // namespace vitrine::serve
