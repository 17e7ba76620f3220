// Variety, and places for new items: which of the best scored stand where. Reasons say what either of them changed.
#include <algorithm>
#include <cmath>
#include <limits>

#include "serve/answer_steps.h"

namespace vitrine::serve {
namespace {

// As for spacing alone: so far down it is looked for items that fit.
constexpr std::size_t kMaxPool = 2000;

constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

std::size_t PlaceIn(std::span<const RerankPlace> places, std::size_t item) {
  const auto found = std::find_if(places.begin(), places.end(),
                                  [item](const RerankPlace& place) { return place.item == item; });
  return found == places.end() ? kNowhere : static_cast<std::size_t>(found - places.begin());
}

int Up(std::size_t from, std::size_t to) { return static_cast<int>(from) - static_cast<int>(to); }

}  // namespace

bool AnswerSteps::Reranks() const {
  return !scene_->diversity.empty() || !scene_->exposure.empty();
}

Micros AnswerSteps::NewSince() const {
  return {as_of_.value - scene_->exposure.days * kMicrosPerDay};
}

bool AnswerSteps::IsNew(data::ItemNumber number, const ItemFields* fields) const {
  const Exposure& exposure = scene_->exposure;
  return !exposure.empty() && fields != nullptr && fields->since > NewSince() &&
         (exposure.impressions == 0 ||
          caches_.shown.Of(number) < static_cast<std::uint32_t>(exposure.impressions));
}

// The new items that may be shown: the best by score, and the newest of those that have none, which come with
// the catalogue before a model has learnt of them. A few more than places are kept for: spacing may refuse some.
void AnswerSteps::FindNewcomers(const CandidateFilter& filter) {
  constexpr std::size_t kSpare = 16;
  scratch_.fresh.clear();
  scratch_.unscored.clear();
  const auto owed =
      static_cast<std::size_t>(scene_->exposure.share * static_cast<double>(Wanted()) + 1e-9);
  if (owed == 0) {
    return;
  }
  const std::size_t most = 3 * owed + kSpare;
  double fresh_above = -std::numeric_limits<double>::infinity();
  double unscored_above = fresh_above;
  const auto look = [&](data::ItemNumber number, const ItemFields& fields) {
    if (!IsNew(number, &fields)) {
      return;
    }
    const ItemIndex index = space_->IndexOf(number);
    const double score = index == kUnknownItem ? NAN : ScoreOf(index);
    if (!std::isfinite(score)) {
      const auto since = static_cast<double>(fields.since.value);
      if (since > unscored_above && filter.Allows(number, "")) {
        unscored_above = EnterTop(scratch_.unscored, most, {since, number});
      }
      return;
    }
    const bool skipped = ((scratch_.skip[index / 64] >> (index % 64)) & 1U) != 0;
    if (!skipped && score > fresh_above && filter.Accepts(number)) {
      fresh_above = EnterTop(scratch_.fresh, most, {score, index});
    }
  };
  caches_.newcomers.Get(table_)->ForEachSince(NewSince(), look);
  std::sort_heap(scratch_.fresh.begin(), scratch_.fresh.end(), search::Before);
  std::sort_heap(scratch_.unscored.begin(), scratch_.unscored.end(), search::Before);
}

// Behind the best: a ranker scores them too.
void AnswerSteps::AddNewcomersToTop(const CandidateFilter& filter) {
  FindNewcomers(filter);
  const std::size_t best = scratch_.top.size();
  for (const search::RankedItem& item : scratch_.fresh) {
    const auto end = scratch_.top.begin() + static_cast<std::ptrdiff_t>(best);
    const auto same = [&item](const search::RankedItem& other) {
      return other.index == item.index;
    };
    if (std::none_of(scratch_.top.begin(), end, same)) {
      scratch_.top.push_back(item);
    }
  }
}

void AnswerSteps::SelectVaried(const CandidateFilter& filter) {
  const std::size_t want = Wanted();
  std::size_t pool = want;
  if (!scene_->diversity.empty()) {
    pool = std::max(pool, scene_->diversity.pool);
  }
  if (!scene_->spacing.empty()) {
    pool = std::max(pool, std::min(kMaxPool, want * 3 + 16));
  }
  for (;;) {
    FindBest(filter, pool);
    const std::size_t best = scratch_.top.size();
    const bool all = best < pool || pool >= kMaxPool;
    AddNewcomersToTop(filter);
    scratch_.pool.clear();
    for (const search::RankedItem& item : scratch_.top) {
      scratch_.pool.push_back({.number = space_->NumberOf(item.index),
                               .index = item.index,
                               .plain = PlainOf(item.index),
                               .score = item.score,
                               .asked_id = {}});
    }
    for (const search::RankedItem& item : scratch_.unscored) {
      scratch_.pool.push_back({.number = item.index, .asked_id = {}, .unscored = true});
    }
    if (ArrangePool(best, want, all) == want || all) {
      break;
    }
    pool = std::min(kMaxPool, pool * 4);
  }
  TakePlaces();
}

void AnswerSteps::SelectVariedCandidates(const CandidateFilter& filter) {
  scratch_.pool = OrderCandidates(&filter);
  for (Pick& pick : scratch_.pool) {
    pick.unscored = pick.index == kUnknownItem || !std::isfinite(pick.score);
  }
  ArrangePool(scratch_.pool.size(), Wanted(), /*all=*/true);
  TakePlaces();
}

// What is looked at of each item of the pool; those from `reserve` on are there for kept places alone.
void AnswerSteps::DescribePool(std::size_t reserve) {
  double high = -std::numeric_limits<double>::infinity();
  double low = -high;
  for (std::size_t i = 0; i < reserve; ++i) {
    if (!scratch_.pool[i].unscored) {
      high = std::max(high, scratch_.pool[i].score);
      low = std::min(low, scratch_.pool[i].score);
    }
  }
  const DenseGraph* dense = model_ == nullptr ? nullptr : model_->dense();
  scratch_.rerank_items.clear();
  scratch_.traits.clear();
  for (std::size_t i = 0; i < scratch_.pool.size(); ++i) {
    const Pick& pick = scratch_.pool[i];
    const ItemFields* fields = pick.number == kNoNumber ? nullptr : table_->Find(pick.number);
    scratch_.rerank_items.push_back({.likeness = LikenessOf(pick.number),
                                     .relevance = high > low ? (pick.score - low) / (high - low)
                                                  : pick.score < low ? 0.0
                                                                     : 1.0,
                                     .scored = !pick.unscored,
                                     .reserve = i >= reserve,
                                     .is_new = IsNew(pick.number, fields)});
    if (!scene_->diversity.empty()) {
      const ItemIndex row = dense == nullptr || pick.number == kNoNumber
                                ? kUnknownItem
                                : model_->space().IndexOf(pick.number);
      scratch_.traits.push_back(
          TraitsOf(fields, row == kUnknownItem ? std::span<const float>() : dense->VectorOf(row),
                   scene_->diversity));
    }
  }
}

// How many places were filled.
std::size_t AnswerSteps::ArrangePool(std::size_t reserve, std::size_t want, bool all) {
  DescribePool(reserve);
  const auto alike = [this](std::size_t a, std::size_t b) {
    return Alikeness(scratch_.traits[a], scratch_.traits[b], scene_->diversity);
  };
  const auto arrange = [&](double strength, double share, std::size_t n, bool fill) {
    return Rerank({.spacing = scene_->spacing,
                   .method = scene_->diversity.method,
                   .strength = strength,
                   .new_share = share,
                   .n = n,
                   .all = fill},
                  scratch_.rerank_items, PairAlikeness(alike), scratch_.rerank);
  };
  const double strength = scene_->diversity.strength;
  if (request_.explain) {
    const auto by_score = arrange(0, 0, scratch_.pool.size(), true);
    by_score_.assign(by_score.begin(), by_score.end());
    const auto by_variety = arrange(strength, 0, want, all);
    by_variety_.assign(by_variety.begin(), by_variety.end());
  }
  return arrange(strength, scene_->exposure.share, want, all).size();
}

void AnswerSteps::TakePlaces() {
  const std::vector<RerankPlace>& places = scratch_.rerank.places;
  for (std::size_t p = 0; p < places.size(); ++p) {
    Pick& pick = picks_.emplace_back(scratch_.pool[places[p].item]);
    pick.kept = places[p].kept;
    if (!request_.explain) {
      continue;
    }
    const std::size_t by_score = PlaceIn(by_score_, places[p].item);
    const std::size_t by_variety = PlaceIn(by_variety_, places[p].item);
    if (pick.kept) {
      const std::size_t before = by_variety == kNowhere ? by_score : by_variety;
      pick.by_exposure = before == kNowhere ? 0 : std::max(0, Up(before, p));
    } else if (by_variety != kNowhere && by_variety < p) {
      pick.by_exposure = Up(by_variety, p);
      pick.by_diversity = Up(by_score, by_variety);
    } else if (by_score != kNowhere) {
      pick.by_diversity = Up(by_score, p);
    }
  }
}

// What took an item's place, where it was variety or a new item.
std::optional<AbsenceCause> AnswerSteps::WhyRearranged(const Pick& pick) const {
  if (!Reranks()) {
    return std::nullopt;  // the pool is another request's
  }
  const auto found =
      std::find_if(scratch_.pool.begin(), scratch_.pool.end(), [&pick](const Pick& other) {
        return pick.number == kNoNumber ? other.asked_id == pick.asked_id
                                        : other.number == pick.number;
      });
  if (found == scratch_.pool.end()) {
    return std::nullopt;
  }
  const auto item = static_cast<std::size_t>(found - scratch_.pool.begin());
  if (PlaceIn(scratch_.rerank.places, item) != kNowhere) {
    return std::nullopt;  // it had a place, which something else has taken
  }
  if (PlaceIn(by_variety_, item) != kNowhere) {
    return AbsenceCause::kMadeRoom;
  }
  if (PlaceIn(by_score_, item) < Wanted()) {
    return scene_->diversity.empty() ? AbsenceCause::kMadeRoom : AbsenceCause::kTooAlike;
  }
  return std::nullopt;
}

}  // namespace vitrine::serve
