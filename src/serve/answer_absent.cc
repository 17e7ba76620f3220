// What is not in an answer, and why: the answer's own scores are looked at again with nothing left out. Only where it is
// asked for; it goes over the whole vocabulary.
#include <algorithm>
#include <cmath>
#include <limits>

#include "search/top_k.h"
#include "serve/answer_steps.h"
#include "serve/candidate_scorer.h"

namespace vitrine::serve {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

// From 1, among all places or among `only` them; 0: it has no score. Of equal scores the lower place is first.
std::size_t RankOf(const std::vector<double>& scores, std::size_t place,
                   const std::vector<bool>* only = nullptr) {
  if (place >= scores.size() || !std::isfinite(scores[place])) {
    return 0;
  }
  std::size_t rank = 1;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool counts = i != place && (only == nullptr || (*only)[i]);
    const bool before = scores[i] > scores[place] || (scores[i] == scores[place] && i < place);
    rank += counts && before ? 1U : 0U;
  }
  return rank;
}

std::vector<search::RankedItem> Best(const std::vector<double>& scores, std::size_t k) {
  std::vector<search::RankedItem> top;
  const std::vector<std::uint64_t> none(search::SkipWords(scores.size()), 0);
  search::SelectTop(std::span<const double>(scores), none, k, [](ItemIndex) { return true; }, top);
  return top;
}

double At(const Tensor& scores, ItemIndex index) {
  return scores.dtype() == DType::kFloat64 ? scores.values<double>()[index]
                                           : static_cast<double>(scores.values<float>()[index]);
}

}  // namespace

// Places: indexes of the space, or of the route `rank` the candidates in their order.
struct AnswerSteps::Field {
  std::vector<double> plain;      // kNone: it has no score
  std::vector<double> score;      // with rules and bids
  std::vector<bool> eligible;     // scored on the way to the answer, and it may be shown
  std::vector<double> retriever;  // where a ranker ranked
  std::vector<Pick> candidates;   // of the route `rank`

  explicit Field(std::size_t places)
      : plain(places, kNone), score(places, kNone), eligible(places, false) {}
};

Status AnswerSteps::CheckAbsent() const {
  const AbsenceQuestion& asked = request_.absent;
  if (!request_.explain) {
    return InvalidArgument(
        "'why_not' and 'removed' are parts of an explanation; send 'explain' true");
  }
  if (asked.items.size() > kMostWhyNot) {
    return InvalidArgument("'why_not' names " + std::to_string(asked.items.size()) +
                           " items, at most " + std::to_string(kMostWhyNot) + " are looked at");
  }
  if (asked.removed > kMostRemoved) {
    return InvalidArgument("'removed' is " + std::to_string(asked.removed) + ", at most " +
                           std::to_string(kMostRemoved) + " items are named");
  }
  return Status::Ok();
}

// The items that are asked about, as picks without scores.
Status AnswerSteps::FindAsked() {
  for (const std::string& id : request_.absent.items) {
    Pick pick{.number = parts_.log->FindItem(id).value_or(kNoNumber), .asked_id = {}};
    if (question_.route == Route::kRank) {
      const auto found =
          std::find_if(question_.candidates.begin(), question_.candidates.end(),
                       [&id](const Candidate& candidate) { return candidate.item_id == id; });
      if (found == question_.candidates.end()) {
        return InvalidArgument("'why_not' names '" + id + "', which is not among the candidates");
      }
      pick.asked_id = found->item_id;
    } else if (pick.number == kNoNumber) {
      return NotFound("no item '" + id + "' in the catalogue or the log");
    }
    pick.index = pick.number == kNoNumber ? kUnknownItem : space_->IndexOf(pick.number);
    asked_picks_.push_back(pick);
  }
  return Status::Ok();
}

Status AnswerSteps::NameAbsent(const CandidateFilter& filter) {
  RETURN_IF_ERROR(FindAsked());
  const bool given = question_.route == Route::kRank;
  const Field field = given ? FieldOfCandidates(filter) : FieldOfSpace(filter);
  std::vector<Pick> scored;
  for (Pick& pick : asked_picks_) {
    std::size_t place = pick.index == kUnknownItem ? field.plain.size() : pick.index;
    if (given) {
      const auto found = std::find_if(
          field.candidates.begin(), field.candidates.end(),
          [&pick](const Pick& candidate) { return candidate.asked_id == pick.asked_id; });
      place = static_cast<std::size_t>(found - field.candidates.begin());
      pick = *found;
    } else if (place < field.plain.size()) {
      pick.plain = field.plain[place];
      pick.score = field.score[place];
    }
    response_.absent.items.push_back(AbsenceOf(field, filter, place, pick));
    const bool has_score = place < field.plain.size() && std::isfinite(field.plain[place]);
    if (has_score && !IsShown(pick)) {
      scored.push_back(pick);
    }
  }
  asked_picks_ = std::move(scored);
  NameRemoved(field, filter);
  return Status::Ok();
}

void AnswerSteps::NameRemoved(const Field& field, const CandidateFilter& filter) {
  if (request_.absent.removed == 0) {
    return;
  }
  response_.absent.listed = true;
  const bool given = question_.route == Route::kRank;
  for (const search::RankedItem& item : Best(given ? field.score : field.plain, Wanted())) {
    if (response_.absent.removed.size() == request_.absent.removed) {
      return;
    }
    const Pick pick = given ? field.candidates[item.index]
                            : Pick{.number = space_->NumberOf(item.index),
                                   .index = item.index,
                                   .plain = field.plain[item.index],
                                   .score = field.score[item.index],
                                   .asked_id = {}};
    if (!IsShown(pick)) {
      response_.absent.removed.push_back(AbsenceOf(field, filter, item.index, pick));
    }
  }
}

AnswerSteps::Field AnswerSteps::FieldOfSpace(const CandidateFilter& filter) {
  Field field(space_->width());
  for (ItemIndex index = kFirstItem; index < space_->width(); ++index) {
    const double plain = PlainOf(index);
    if (!std::isfinite(plain)) {
      continue;
    }
    field.plain[index] = plain;
    field.score[index] = ScoreOf(index);
    const bool skipped = ((scratch_.skip[index / 64] >> (index % 64)) & 1U) != 0;
    field.eligible[index] = !skipped && filter.Accepts(space_->NumberOf(index));
  }
  if (ranker_ != nullptr && !ranker_->outside()) {
    ScoreLeftOut(field);
  }
  return field;
}

AnswerSteps::Field AnswerSteps::FieldOfCandidates(const CandidateFilter& filter) const {
  std::vector<Pick> candidates = OrderCandidates(nullptr);
  Field field(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].index != kUnknownItem) {
      field.plain[i] = candidates[i].plain;
      field.score[i] = candidates[i].score;
      field.eligible[i] = filter.Allows(candidates[i].number, candidates[i].asked_id);
    }
  }
  field.candidates = std::move(candidates);
  return field;
}

double AnswerSteps::RetrieverScore(ItemIndex index) const {
  return dense_ ? static_cast<double>(dense_.Plain(index)) : At(scratch_.outputs.front(), index);
}

// What a filter took out before the ranker, and what is asked about, gets the ranker's score too.
void AnswerSteps::ScoreLeftOut(Field& field) {
  field.retriever.assign(space_->width(), kNone);
  for (ItemIndex index = kFirstItem; index < space_->width(); ++index) {
    field.retriever[index] = RetrieverScore(index);
  }
  std::vector<ItemIndex> left_out;
  for (const search::RankedItem& item : Best(field.retriever, scene_->candidates)) {
    left_out.push_back(item.index);
  }
  for (const Pick& pick : asked_picks_) {
    left_out.push_back(pick.index);
  }
  std::sort(left_out.begin(), left_out.end());
  left_out.erase(std::unique(left_out.begin(), left_out.end()), left_out.end());
  std::erase_if(left_out, [&field](ItemIndex index) {
    return index == kUnknownItem || std::isfinite(field.plain[index]);
  });
  const std::vector<double> scores = RankerScores(left_out);
  for (std::size_t i = 0; i < left_out.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      continue;
    }
    const Pick pick{.number = space_->NumberOf(left_out[i]), .index = left_out[i], .asked_id = {}};
    double score = scores[i];
    for (const Rule& rule : scene_->rules) {
      if (rule.kind == RuleKind::kBoost && RuleHolds(rule, pick)) {
        score = Boosted(rule, score);
      }
    }
    field.plain[left_out[i]] = scores[i];
    field.score[left_out[i]] = score;
  }
}

// Of items of the retriever's space; kNone of those that the ranker does not know or fails on.
std::vector<double> AnswerSteps::RankerScores(std::span<const ItemIndex> items) {
  std::vector<double> scores(items.size(), kNone);
  std::vector<std::size_t> known;
  scratch_.candidates.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const ItemIndex index = ranker_->space().IndexOf(space_->NumberOf(items[i]));
    if (index == kUnknownItem) {
      continue;
    }
    if (ranker_->candidate_layout() == nullptr) {
      scores[i] = At(scratch_.ranker_outputs.front(), index);
    } else {
      scratch_.candidates.push_back(index);
      known.push_back(i);
    }
  }
  if (!known.empty() && ScoreWith(*ranker_, Deadline::max())) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      scores[known[i]] = scratch_.candidate_scores[i];
    }
  }
  return scores;
}

bool AnswerSteps::IsShown(const Pick& pick) const {
  return std::any_of(picks_.begin(), picks_.end(), [&pick](const Pick& shown) {
    return pick.number == kNoNumber ? shown.asked_id == pick.asked_id : shown.number == pick.number;
  });
}

Absence AnswerSteps::AbsenceOf(const Field& field, const CandidateFilter& filter, std::size_t place,
                               const Pick& pick) const {
  Absence absence;
  absence.item_id = IdOf(pick);
  absence.rank = RankOf(field.score, place);
  absence.model_rank = RankOf(field.plain, place);
  absence.retriever_rank = RankOf(field.retriever, place);
  if (absence.model_rank != 0) {
    absence.score = pick.score;
    absence.model_score = pick.plain;
    const auto last = std::find_if(picks_.rbegin(), picks_.rend(),
                                   [](const Pick& shown) { return shown.pin == nullptr; });
    if (last != picks_.rend()) {
      absence.gap = last->score - pick.score;
    }
  }
  if (IsShown(pick)) {
    absence.why.push_back({.cause = AbsenceCause::kShown});
    return absence;
  }
  absence.why = filter.WhyNot(pick.number, absence.item_id);
  if (!absence.why.empty()) {
    return absence;
  }
  if (place < field.eligible.size() && field.eligible[place]) {
    absence.why.push_back(WhyBehind(field, place, pick));
    return absence;
  }
  const bool ranker_knows = ranker_ != nullptr && question_.route != Route::kRank &&
                            pick.index != kUnknownItem &&
                            ranker_->space().IndexOf(pick.number) != kUnknownItem;
  absence.why.push_back(
      {.cause = ranker_knows ? AbsenceCause::kNotCandidate : AbsenceCause::kNotInModel});
  return absence;
}

// It may be shown and has a score, and is not among those that were.
AbsenceReason AnswerSteps::WhyBehind(const Field& field, std::size_t place,
                                     const Pick& pick) const {
  if (const auto cause = WhyRearranged(pick); cause.has_value()) {
    return {.cause = *cause};
  }
  const std::size_t want = Wanted();
  if (RankOf(field.score, place, &field.eligible) > want) {
    const bool moved = pick.bid_part == 0 && RankOf(field.plain, place, &field.eligible) <= want;
    return moved ? WhyMoved(pick) : AbsenceReason{};
  }
  if (const auto limit = BrokenLimit(LikenessOf(pick.number)); limit.has_value()) {
    return {.cause = *limit};
  }
  const auto pin = std::find_if(picks_.begin(), picks_.end(),
                                [](const Pick& shown) { return shown.pin != nullptr; });
  if (pin != picks_.end()) {
    return {.cause = AbsenceCause::kPinned, .rule = pin->pin->name, .text = {}};
  }
  return {};
}

// Its own rule where one lowered it, else the first that raised another over it.
AbsenceReason AnswerSteps::WhyMoved(const Pick& pick) const {
  for (const Rule& rule : scene_->rules) {
    if (rule.kind == RuleKind::kBoost && RuleHolds(rule, pick) &&
        Boosted(rule, pick.plain) < pick.plain) {
      return {.cause = AbsenceCause::kMovedByRules, .rule = rule.name, .text = {}};
    }
  }
  for (const Rule& rule : scene_->rules) {
    const auto raised = [&](const Pick& shown) {
      return RuleHolds(rule, shown) && Boosted(rule, shown.plain) > shown.plain;
    };
    if (rule.kind == RuleKind::kBoost && std::any_of(picks_.begin(), picks_.end(), raised)) {
      return {.cause = AbsenceCause::kMovedByRules, .rule = rule.name, .text = {}};
    }
  }
  return {.cause = AbsenceCause::kMovedByRules};
}

// The limit on likeness that what is shown has reached.
std::optional<AbsenceCause> AnswerSteps::BrokenLimit(const Likeness& like) const {
  const Spacing& spacing = scene_->spacing;
  int brands = 0;
  int categories = 0;
  for (const Pick& shown : picks_) {
    const Likeness other = LikenessOf(shown.number);
    brands += like.brand != 0 && other.brand == like.brand ? 1 : 0;
    categories += like.category != 0 && other.category == like.category ? 1 : 0;
  }
  if (spacing.max_per_brand > 0 && brands >= spacing.max_per_brand) {
    return AbsenceCause::kBrandLimit;
  }
  if (spacing.max_per_category > 0 && categories >= spacing.max_per_category) {
    return AbsenceCause::kCategoryLimit;
  }
  if (spacing.brand_gap > 0 && brands > 0) {
    return AbsenceCause::kBrandGap;
  }
  return std::nullopt;
}

}  // namespace vitrine::serve
