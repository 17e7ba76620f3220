/// What the steps of one answer work on, kept per thread and reused. Internal to serve/.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/impression.h"
#include "core/tensor.h"
#include "data/feature_spec.h"
#include "search/top_k.h"
#include "serve/alikeness.h"
#include "serve/candidate_filter.h"
#include "serve/dense_scores.h"
#include "serve/rerank.h"
#include "serve/scene.h"
#include "serve/spacing.h"
#include "serve/user_view.h"

namespace vitrine::serve {

/// Scores over a space; of the graph's output, of this thread's scratch.
using ScoreSpan = std::variant<std::span<const float>, std::span<const double>>;

/// One item on its way into the answer.
struct Pick {
  data::ItemNumber number = kNoNumber;
  ItemIndex index = kUnknownItem;  ///< in the space that was ranked
  double plain = 0;                ///< the version's score (a fallback's: its order's)
  double score = 0;                ///< with bid and rules
  double bid_part = 0;
  std::string_view asked_id;  ///< kRank: as the request spells it
  const Rule* pin = nullptr;
  bool unscored = false;  ///< nothing scored it: a pin's or a new item's place
  bool kept = false;      ///< its place was kept for a new item
  int by_diversity = 0;   ///< places up (below 0: down) for variety's sake; only with explain
  int by_exposure = 0;    ///< the same for the sake of new items
};

/// What is reused between requests of one thread.
struct Scratch {
  std::vector<data::FeatureInput> inputs;
  std::vector<Tensor> features;
  std::vector<Tensor> outputs;
  std::vector<Tensor> ranker_features;
  std::vector<Tensor> ranker_outputs;
  std::vector<ItemIndex> candidates;     ///< in a ranker's vocabulary, as handed to it
  std::vector<double> candidate_scores;  ///< one each
  History history;
  History ranker_history;
  std::vector<std::uint32_t> from;
  std::vector<std::uint32_t> ranker_from;
  DenseMemory dense;
  std::vector<double> plain;       ///< scores that no graph made
  std::vector<double> popularity;  ///< by index, the same for every vocabulary; only ever grows
  std::vector<double> adjusted;    ///< with boosts
  std::vector<std::uint64_t> skip;
  std::vector<search::RankedItem> top;
  std::vector<Likeness> likes;
  std::vector<Pick> pool;  ///< what re-ranking chooses among
  std::vector<RerankItem> rerank_items;
  std::vector<ItemTraits> traits;
  RerankScratch rerank;
  std::vector<search::RankedItem> fresh;     ///< new items, best first
  std::vector<search::RankedItem> unscored;  ///< new item numbers without a score, newest first
  std::vector<double> shown_scores;
  std::vector<data::ItemNumber> recent;
  std::vector<Pick> picks;
  FilterNumbers filter;
  UserView user;
  Impression impression;
};

}  // namespace vitrine::serve
