#include "serve/dense_scores.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "core/check.h"

namespace vitrine::serve {

Status DenseScores::Ask(std::span<const Tensor> features, std::vector<Tensor>& encoded) {
  RETURN_IF_ERROR(graph_->Encode(features, encoded, memory_->query));
  if (memory_->query.size() != graph_->items().matrix().width()) {
    return Internal("the model answers one request with several query vectors");
  }
  return Status::Ok();
}

double DenseScores::Plain(ItemIndex item) const {
  float score = 0;
  graph_->items().ScoreRows(memory_->query, {&item, 1}, memory_->nearest, {&score, 1});
  return static_cast<double>(score);
}

std::span<const float> DenseScores::AllPlain() const {
  memory_->all.resize(graph_->items().matrix().rows());
  CHECK(graph_->items().ScoreAll(memory_->query, memory_->nearest, memory_->all).ok());
  return memory_->all;
}

double& DenseScores::Boost(ItemIndex item) {
  const std::size_t rows = graph_->items().matrix().rows();
  if (!any_boost_) {
    memory_->boosted.assign(search::SkipWords(rows), 0);
    memory_->adjusted.resize(std::max(memory_->adjusted.size(), rows));
    any_boost_ = true;
  }
  if (!IsBoosted(item)) {
    memory_->boosted[item / 64] |= std::uint64_t{1} << (item % 64);
    memory_->adjusted[item] = Plain(item);
  }
  return memory_->adjusted[item];
}

double DenseScores::Score(ItemIndex item) const {
  return any_boost_ && IsBoosted(item) ? memory_->adjusted[item] : Plain(item);
}

void DenseScores::FindBest(std::size_t k, std::span<const std::uint64_t> skip,
                           const search::RowFilter& accept,
                           std::vector<search::RankedItem>& top) const {
  const std::span<const std::uint64_t> asked = skip;
  if (any_boost_) {
    memory_->skip.resize(skip.size());
    std::transform(skip.begin(), skip.end(), memory_->boosted.begin(), memory_->skip.begin(),
                   std::bit_or<>());
    skip = memory_->skip;
  }
  if (!accept.AcceptsAll() || !FindNear(k, skip, top)) {
    // The query and the shapes are right by construction: nothing is left to fail.
    CHECK(graph_->items()
              .Search(memory_->query, k, skip, memory_->nearest, {&top, 1}, search::Scan::kCodes,
                      accept)
              .ok());
  }
  if (any_boost_) {
    AddBoosted(k, asked, accept, top);
  }
}

// False where it must be searched exactly: there is no index, it brings too few that may be shown, or it
// would be asked for more than it was measured with.
bool DenseScores::FindNear(std::size_t k, std::span<const std::uint64_t> skip,
                           std::vector<search::RankedItem>& top) const {
  const std::shared_ptr<const Retrieval> retrieval = graph_->retrieval();
  if (retrieval == nullptr || retrieval->near == nullptr) {
    return false;
  }
  const std::size_t rows = graph_->items().matrix().rows();
  std::size_t skipped = 0;
  for (const std::uint64_t word : skip) {
    skipped += static_cast<std::size_t>(std::popcount(word));
  }
  if (skipped * 2 > rows) {
    return false;
  }
  // As many more as are left out of them on average, and some: what a user had stands among the best.
  const std::size_t asked = k + k * skipped / (rows - skipped) * 3 / 2 + k / 4 + 64;
  if (asked > retrieval->most || !retrieval->near->Search(memory_->query, std::min(asked, rows),
                                                          memory_->nearest, memory_->found)) {
    return false;
  }
  std::erase_if(memory_->found,
                [skip](ItemIndex item) { return (skip[item / 64] >> (item % 64) & 1U) != 0; });
  if (memory_->found.size() < k) {
    return false;
  }
  memory_->scores.resize(memory_->found.size());
  graph_->items().ScoreRows(memory_->query, memory_->found, memory_->nearest, memory_->scores);
  top.clear();
  for (std::size_t i = 0; i < memory_->found.size(); ++i) {
    top.push_back({static_cast<double>(memory_->scores[i]), memory_->found[i]});
  }
  std::sort(top.begin(), top.end(), search::Before);
  top.resize(k);
  return true;
}

void DenseScores::AddBoosted(std::size_t k, std::span<const std::uint64_t> skip,
                             const search::RowFilter& accept,
                             std::vector<search::RankedItem>& top) const {
  if (k == 0) {
    return;
  }
  std::make_heap(top.begin(), top.end(), search::Before);
  for (std::size_t word = 0; word < memory_->boosted.size(); ++word) {
    for (std::uint64_t bits = memory_->boosted[word] & ~skip[word]; bits != 0; bits &= bits - 1) {
      const auto item =
          static_cast<ItemIndex>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      const search::RankedItem boosted{memory_->adjusted[item], item};
      const bool ranks = boosted.score > -std::numeric_limits<double>::infinity();
      const bool enters = top.size() < k || search::Before(boosted, top.front());
      if (ranks && enters && accept.Accepts(item)) {
        search::EnterTop(top, k, boosted);
      }
    }
  }
  std::sort_heap(top.begin(), top.end(), search::Before);
}

}  // namespace vitrine::serve
