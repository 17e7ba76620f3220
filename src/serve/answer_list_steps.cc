// Which answers can be given from a ready list, and which lists are kept for others.
#include <algorithm>
#include <utility>

#include "serve/answer_steps.h"

namespace vitrine::serve {
namespace {

constexpr bool NeedsNoModel(Fallback fallback) {
  return fallback == Fallback::kNoModel || fallback == Fallback::kDeadline ||
         fallback == Fallback::kModelFailed;
}

}  // namespace

// Nothing of the request or of the user counts, but the place that asks. A moment that the request names is
// an evaluator's: what is ready was made for now.
bool AnswerSteps::MayBeReady() const {
  const bool asks = question_.route != Route::kRank && !request_.explain && !request_.as_of &&
                    request_.filter.empty();
  // Which items are new changes by the hour and with each answer.
  if (!scene_->exposure.empty() || !caches_.lists.on() || !asks) {
    return false;
  }
  const SceneFilters& filters = scene_->filters;
  const bool filtered = (filters.exclude_bought && !user_.bought.empty()) ||
                        (filters.exclude_hidden && !user_.hidden.empty()) ||
                        (filters.exclude_seen && !user_.events.empty());
  // A model's answer to a history is one user's; what it says of an item is everybody's.
  const bool shared = fallback_ == Fallback::kNone ? question_.route == Route::kSimilar
                                                   : !NeedsNoModel(fallback_) || !Remembers();
  return !filtered && shared;
}

ListKey AnswerSteps::KeyOfList() const {
  ListKind kind = ListKind::kFallback;
  if (fallback_ == Fallback::kNone) {
    kind = ListKind::kModel;
  } else if (fallback_ == Fallback::kUnknownItem) {
    kind = ListKind::kCategory;
  }
  return {.scene = scene_->name,
          .kind = kind,
          .similar = question_.route == Route::kSimilar,
          .about = asked_about_,
          .n = Wanted(),
          .treatment = arm_ == Arm::kTreatment && !candidate_failed_};
}

ListBasis AnswerSteps::BasisOfList() const {
  return {.scene = scene_, .table = table_, .rules = rules_, .model = model_};
}

bool AnswerSteps::TakeList() {
  if (!MayBeReady()) {
    return false;
  }
  const bool by_model = fallback_ == Fallback::kNone;
  list_ = caches_.lists.Find(KeyOfList(), BasisOfList(), as_of_);
  if (list_ != nullptr && by_model) {
    // Features are cheap beside the graph, and decide its scores: attributes of the user and the hour are in
    // them where the version looks at those.
    const bool made = MakeFeatures(*model_, scratch_.history, scratch_.features).ok();
    if (!made || !SameTensors(scratch_.features, list_->features)) {
      list_ = nullptr;
    }
  }
  list_missed_ = list_ == nullptr;
  if (list_missed_) {
    caches_.lists.CountMiss(scene_->name);
    return false;
  }
  AnswerLists::CountHit(*list_);
  if (NeedsNoModel(fallback_)) {
    rung_ = Rung::kPopular;
  }
  return true;
}

void AnswerSteps::KeepList() {
  // A model that failed after all left another kind of answer than the one that was looked for.
  if (!list_missed_ || fallback_ == Fallback::kModelFailed) {
    return;
  }
  const RuleTimes times = TimesOfRules(*scene_, as_of_);
  auto list = std::make_shared<AnswerList>();
  list->from = times.from;
  list->until = times.until;
  if (fallback_ != Fallback::kNone && ShowsTrend()) {
    const Micros oldest{as_of_.value + caches_.lists.options().trending_age.value};
    list->from = std::max(list->from, as_of_);
    list->until = std::min(list->until, oldest);
  }
  if (list->until <= list->from) {
    return;
  }
  list->items = response_.items;
  for (const Pick& pick : picks_) {
    list->numbers.push_back(pick.number);
  }
  if (fallback_ == Fallback::kNone) {
    list->features = scratch_.features;
    for (const Pick& pick : picks_) {
      list->shown_scores.push_back(pick.plain);
    }
  }
  caches_.lists.Keep(KeyOfList(), BasisOfList(), std::move(list));
}

}  // namespace vitrine::serve
