// Hands what is in an answer, and what is asked about beside it, to whoever explains.
#include "serve/answer_steps.h"

namespace vitrine::serve {

ExplainItem AnswerSteps::PartsOf(const Pick& pick, const ServedModel* ranked_by) const {
  ExplainItem item{
      .index = kUnknownItem, .model_score = pick.plain, .score = pick.score, .added = {}};
  if (ranked_by != nullptr && pick.number != kNoNumber && !pick.unscored) {
    item.index = ranked_by->space().IndexOf(pick.number);
  }
  double running = pick.plain;
  if (pick.bid_part != 0) {
    item.added.push_back({.kind = ReasonKind::kBid, .contribution = pick.bid_part});
    running = pick.plain + pick.bid_part;
  }
  for (const Rule& rule : scene_->rules) {
    if (rule.kind == RuleKind::kBoost && RuleHolds(rule, pick)) {
      const double next = Boosted(rule, running);
      item.added.push_back(
          {.kind = ReasonKind::kRule, .rule = rule.name, .contribution = next - running});
      running = next;
    }
  }
  if (pick.pin != nullptr) {
    item.added.push_back({.kind = ReasonKind::kRule, .rule = pick.pin->name});
  }
  if (pick.kept || pick.by_exposure != 0) {
    item.added.push_back({.kind = ReasonKind::kExposure, .places = pick.by_exposure});
  }
  if (pick.by_diversity != 0) {
    item.added.push_back({.kind = ReasonKind::kDiversity, .places = pick.by_diversity});
  }
  return item;
}

// Of the items that are shown and of those that were asked about, in one go: they share the runs.
Status AnswerSteps::ExplainAll() {
  const ServedModel* ranked_by = nullptr;
  if (fallback_ == Fallback::kNone) {
    ranked_by = ranker_ != nullptr ? ranker_.get() : model_.get();
  }
  const bool by_model = ranked_by != nullptr;
  const History& history = ranker_ != nullptr ? scratch_.ranker_history : scratch_.history;
  const std::vector<std::uint32_t>& from =
      ranker_ != nullptr ? scratch_.ranker_from : scratch_.from;
  std::vector<std::string> ids;
  for (std::size_t i = 0; by_model && i < history.size(); ++i) {
    ids.push_back(question_.route == Route::kSimilar ? std::string(question_.similar_to)
                  : user_.given                      ? std::string(user_.ids[from[i]])
                                : parts_.log->ItemId(user_.events[from[i]].item));
  }
  std::vector<ExplainItem> parts;
  for (const Pick& pick : picks_) {
    parts.push_back(PartsOf(pick, ranked_by));
  }
  std::vector<RecommendedItem>& items = response_.items;
  const std::size_t shown = items.size();
  for (const Pick& pick : asked_picks_) {
    parts.push_back(PartsOf(pick, ranked_by));
    Show(pick, items.emplace_back());
  }
  Result<Explained> explained =
      parts_.explainer->Explain({.model = ranked_by,
                                 .fallback = fallback_,
                                 .similar = question_.route == Route::kSimilar,
                                 .history = by_model ? std::span<const HistoryEvent>(history)
                                                     : std::span<const HistoryEvent>(),
                                 .history_ids = ids,
                                 .as_of = as_of_,
                                 .user = user_.known ? &user_.user : nullptr,
                                 .context = &request_.context,
                                 .language = request_.language},
                                parts, items);
  RETURN_IF_ERROR(explained.status());
  response_.explained = *explained;
  for (std::size_t i = 0; i < asked_picks_.size(); ++i) {
    for (Absence& absence : response_.absent.items) {
      if (absence.item_id == items[shown + i].item_id) {
        absence.reasons = items[shown + i].reasons;
      }
    }
  }
  items.resize(shown);
  parts_.explainer->Word(response_.absent, request_.language);
  return Status::Ok();
}

}  // namespace vitrine::serve
