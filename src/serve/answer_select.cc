#include <algorithm>
#include <cmath>
#include <limits>

#include "serve/answer_steps.h"

namespace vitrine::serve {
namespace {

// Spacing looks this far down for items that fit; then it takes what there is.
constexpr std::size_t kMaxPool = 2000;

// Above one in so many items, scoring all in a row is quicker than scoring them one by one.
constexpr std::size_t kRowPays = 8;

bool Better(const Pick& a, const Pick& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

}  // namespace

void AnswerSteps::Select(const CandidateFilter& filter) {
  if (question_.route == Route::kRank) {
    SelectCandidates(filter);
  } else {
    ApplyBoosts();
    if (Reranks()) {
      SelectVaried(filter);
    } else {
      SelectFromSpace(filter);
    }
    PlacePins(filter);
  }
}

Likeness AnswerSteps::LikenessOf(data::ItemNumber number) const {
  const ItemFields* fields = number == kNoNumber ? nullptr : table_->Find(number);
  return fields == nullptr ? Likeness{} : Likeness{fields->brand_hash, fields->category_hash};
}

bool AnswerSteps::IsLazy() const {
  return dense_ && std::visit([](auto scores) { return scores.empty(); }, plain_);
}

double AnswerSteps::PlainOf(ItemIndex index) const {
  if (IsLazy()) {
    return dense_.Plain(index);
  }
  return std::visit([index](auto scores) { return static_cast<double>(scores[index]); }, plain_);
}

double AnswerSteps::ScoreOf(ItemIndex index) const {
  if (IsLazy()) {
    return dense_.Score(index);
  }
  return std::visit([index](auto scores) { return static_cast<double>(scores[index]); }, scores_);
}

ScoreSpan AnswerSteps::AllPlain() const { return IsLazy() ? dense_.AllPlain() : plain_; }

// The k best by score, into the scratch.
void AnswerSteps::FindBest(const CandidateFilter& filter, std::size_t k) {
  const auto accepts = [&](ItemIndex index) { return filter.Accepts(space_->NumberOf(index)); };
  if (IsLazy()) {
    const bool all = filter.accepts_all();
    dense_.FindBest(k, scratch_.skip, all ? search::RowFilter() : search::RowFilter(accepts),
                    scratch_.top);
    return;
  }
  std::visit(
      [&](auto scores) {
        if (filter.accepts_all()) {
          SelectTop(scores, scratch_.skip, k, scratch_.top);
        } else {
          SelectTop(scores, scratch_.skip, k, accepts, scratch_.top);
        }
      },
      scores_);
}

double AnswerSteps::Boosted(const Rule& rule, double score) const {
  return score + (rule.add + (rule.factor - 1) * std::fabs(score));
}

bool AnswerSteps::RuleHolds(const Rule& rule, const Pick& pick) const {
  const ItemFields* fields = pick.number == kNoNumber ? nullptr : table_->Find(pick.number);
  return rule.ActiveAt(as_of_) &&
         (fields != nullptr ? rule.when.Matches(fields->id, fields)
                            : !rule.when.items.empty() && rule.when.Matches(IdOf(pick), nullptr));
}

// Items whose scores the active boosts and pins ask for.
std::size_t AnswerSteps::RuledItems() const {
  std::size_t items = 0;
  for (std::size_t r = 0; r < scene_->rules.size(); ++r) {
    const Rule& rule = scene_->rules[r];
    items += rule.kind != RuleKind::kHide && rule.ActiveAt(as_of_) ? rules_->Of(r).size() : 0;
  }
  return items;
}

// Scores with boosts are computed in double and in rule order, as the parts of a shown item are.
void AnswerSteps::ApplyBoosts() {
  if (IsLazy() && RuledItems() * kRowPays > space_->width()) {
    plain_ = dense_.AllPlain();
    scores_ = plain_;
  }
  bool copied = false;
  for (std::size_t r = 0; r < scene_->rules.size(); ++r) {
    const Rule& rule = scene_->rules[r];
    if (rule.kind != RuleKind::kBoost || !rule.ActiveAt(as_of_)) {
      continue;
    }
    for (const data::ItemNumber number : rules_->Of(r)) {
      const ItemIndex index = space_->IndexOf(number);
      if (index == kUnknownItem) {
        continue;
      }
      if (IsLazy()) {
        double& score = dense_.Boost(index);
        score = std::isfinite(score) ? Boosted(rule, score) : score;
        continue;
      }
      if (!copied) {
        std::visit([this](auto plain) { scratch_.adjusted.assign(plain.begin(), plain.end()); },
                   plain_);
        copied = true;
      }
      double& score = scratch_.adjusted[index];
      if (std::isfinite(score)) {
        score = Boosted(rule, score);
      }
    }
  }
  if (copied) {
    scores_ = std::span<const double>(scratch_.adjusted);
  }
}

void AnswerSteps::SelectFromSpace(const CandidateFilter& filter) {
  const std::size_t want = Wanted();
  const bool spaced = !scene_->spacing.empty();
  std::size_t pool = spaced ? std::min(kMaxPool, want * 3 + 16) : want;
  std::vector<std::uint32_t> order;
  for (;;) {
    FindBest(filter, pool);
    if (!spaced) {
      break;
    }
    scratch_.likes.clear();
    for (const search::RankedItem& item : scratch_.top) {
      scratch_.likes.push_back(LikenessOf(space_->NumberOf(item.index)));
    }
    const bool all = scratch_.top.size() < pool || pool >= kMaxPool;
    order = Arrange(scene_->spacing, scratch_.likes, want, all);
    if (all || order.size() == want) {
      break;
    }
    pool = std::min(kMaxPool, pool * 4);
  }
  for (std::size_t i = 0; i < std::min(want, scratch_.top.size()); ++i) {
    const search::RankedItem& item = scratch_.top[spaced ? order[i] : i];
    picks_.push_back({.number = space_->NumberOf(item.index),
                      .index = item.index,
                      .plain = PlainOf(item.index),
                      .score = item.score,
                      .asked_id = {}});
  }
}

void AnswerSteps::PlacePins(const CandidateFilter& filter) {
  for (std::size_t r = 0; r < scene_->rules.size(); ++r) {
    const Rule& rule = scene_->rules[r];
    if (rule.kind != RuleKind::kPin || !rule.ActiveAt(as_of_)) {
      continue;
    }
    Pick best{.score = -std::numeric_limits<double>::infinity(), .asked_id = {}};
    for (const data::ItemNumber number : rules_->Of(r)) {
      Pick pick{.number = number, .index = space_->IndexOf(number), .asked_id = {}, .pin = &rule};
      // An item that the model does not know yet can still be pinned: its score is 0.
      const double plain = pick.index == kUnknownItem ? -std::numeric_limits<double>::infinity()
                                                      : PlainOf(pick.index);
      if (std::isfinite(plain)) {
        pick.plain = plain;
        pick.score = ScoreOf(pick.index);
      } else {
        pick.unscored = true;
      }
      if ((best.pin == nullptr || Better(pick, best)) && filter.Allows(number, "")) {
        best = pick;
      }
    }
    if (best.pin == nullptr) {
      continue;
    }
    std::erase_if(picks_, [&best](const Pick& pick) { return pick.number == best.number; });
    const std::size_t place = std::min(static_cast<std::size_t>(rule.position), picks_.size());
    picks_.insert(picks_.begin() + static_cast<std::ptrdiff_t>(place), best);
  }
  if (picks_.size() > Wanted()) {
    picks_.resize(Wanted());
  }
}

std::vector<Pick> AnswerSteps::OrderCandidates(const CandidateFilter* filter) const {
  std::vector<Pick> picks;
  for (const Candidate& candidate : question_.candidates) {
    Pick pick{.number = parts_.log->FindItem(candidate.item_id).value_or(kNoNumber),
              .asked_id = candidate.item_id};
    if (filter != nullptr && !filter->Allows(pick.number, candidate.item_id)) {
      continue;
    }
    pick.index = pick.number == kNoNumber ? kUnknownItem : space_->IndexOf(pick.number);
    pick.plain = pick.index == kUnknownItem ? 0 : PlainOf(pick.index);
    pick.score = pick.plain;
    pick.bid_part = candidate.bid;
    picks.push_back(pick);
  }
  BidOn(picks);
  for (Pick& pick : picks) {
    for (const Rule& rule : scene_->rules) {
      if (rule.kind == RuleKind::kBoost && RuleHolds(rule, pick)) {
        pick.score = Boosted(rule, pick.score);
      }
    }
  }
  // Of equal scores, and among what the model does not know, the request's order stands.
  std::stable_sort(picks.begin(), picks.end(), [](const Pick& a, const Pick& b) {
    const bool known_a = a.index != kUnknownItem;
    const bool known_b = b.index != kUnknownItem;
    return known_a != known_b ? known_a : a.score > b.score;
  });
  return picks;
}

void AnswerSteps::SelectCandidates(const CandidateFilter& filter) {
  if (Reranks()) {
    SelectVariedCandidates(filter);
    return;
  }
  const std::vector<Pick> picks = OrderCandidates(&filter);
  scratch_.likes.clear();
  for (const Pick& pick : picks) {
    scratch_.likes.push_back(LikenessOf(pick.number));
  }
  const std::size_t want = Wanted();
  for (const std::uint32_t i : Arrange(scene_->spacing, scratch_.likes, want, /*all=*/true)) {
    picks_.push_back(picks[i]);
  }
}

// bid * relevance; `bid_part` holds the bid before and its part of the score after.
void AnswerSteps::BidOn(std::vector<Pick>& picks) const {
  if (std::none_of(picks.begin(), picks.end(), [](const Pick& p) { return p.bid_part > 0; })) {
    return;
  }
  if (ranker_ !=
      nullptr) {  // its score is the worth of a bid: for a click's probability, its price
    for (Pick& pick : picks) {
      const double value =
          pick.index == kUnknownItem ? 0 : pick.bid_part * std::max(pick.plain, 0.0);
      pick.bid_part = value - pick.plain;
      pick.score = value;
    }
    return;
  }
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  std::visit(
      [&](auto scores) {
        for (std::size_t i = kFirstItem; i < scores.size(); ++i) {
          const auto score = static_cast<double>(scores[i]);
          if (std::isfinite(score)) {
            low = std::min(low, score);
            high = std::max(high, score);
          }
        }
      },
      AllPlain());
  for (Pick& pick : picks) {
    const double relevance = pick.index == kUnknownItem ? 0
                             : high > low               ? (pick.plain - low) / (high - low)
                                                        : 1;
    const double value = pick.bid_part * relevance;
    pick.bid_part = value - pick.plain;
    pick.score = value;
  }
}

}  // namespace vitrine::serve
