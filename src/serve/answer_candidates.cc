// Candidates that a ranker scores: the retriever's best, or those that the request names.
#include <algorithm>
#include <limits>

#include "serve/answer_steps.h"
#include "serve/candidate_scorer.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "serve/outside_rankers.h"

namespace vitrine::serve {

data::FeatureInput AnswerSteps::RankerInput(const ServedModel& ranker) const {
  return {.history = scratch_.ranker_history,
          .as_of = as_of_,
          .user = ranker.uses_user() && user_.known ? &user_.user : nullptr,
          .context = &request_.context,
          .candidates = scratch_.candidates};
}

std::shared_ptr<const ServedModel> AnswerSteps::FindRanker() const {
  if (asked_ranker_ != nullptr) {
    return asked_ranker_;
  }
  if (!OutsideRankers::Names(scene_->ranker)) {
    return parts_.models->Get(scene_->ranker);
  }
  const bool may = parts_.outside != nullptr && request_.may_wait;
  return may ? parts_.outside->Find(scene_->ranker) : nullptr;
}

// How many times the run of its warm-up a ranker takes for so many candidates.
double AnswerSteps::WarmRuns(const ServedModel& ranker, std::size_t candidates) {
  if (ranker.candidate_layout() == nullptr || candidates <= kWarmCandidates) {
    return 1;
  }
  return static_cast<double>(candidates) / static_cast<double>(kWarmCandidates);
}

// False where there is nothing to score, or it failed; the observer hears of a failure.
bool AnswerSteps::ScoreWith(const ServedModel& ranker, Deadline deadline) {
  if (scratch_.candidates.empty()) {
    return false;
  }
  const Clock::time_point begun = Clock::now();
  Clock::time_point featured = begun;
  const Status status = ScoreCandidates(ranker.graph(), ranker.spec(), *ranker.candidate_layout(),
                                        RankerInput(ranker), scratch_.ranker_features,
                                        scratch_.candidate_scores, deadline, &featured);
  features_time_ += featured - begun;
  graph_time_ += Clock::now() - featured;
  waited_ = waited_ || ranker.outside();
  if (!status.ok() && parts_.observer != nullptr) {
    parts_.observer->OnModelFailure(ranker, status.ToString());
  }
  return status.ok();
}

// Candidates that the request names need no retriever, and a user of whom nothing is known is scored too.
bool AnswerSteps::RankGiven() {
  if (question_.route != Route::kRank || scene_->ranker.empty()) {
    return false;
  }
  std::shared_ptr<const ServedModel> ranker = FindRanker();
  if (ranker != nullptr && ranker->candidate_layout() == nullptr) {
    return false;  // the scene's retriever scores candidates of its whole vocabulary as well
  }
  rung_ = Rung::kNoRanker;
  if (ranker == nullptr || TimeIsShort(*ranker, WarmRuns(*ranker, question_.candidates.size()))) {
    return false;
  }
  MapHistory(user_, *ranker, scratch_.ranker_history, scratch_.ranker_from);
  scratch_.candidates.clear();
  for (const Candidate& candidate : question_.candidates) {
    const auto number = parts_.log->FindItem(candidate.item_id);
    const ItemIndex index = number ? ranker->space().IndexOf(*number) : kUnknownItem;
    if (index != kUnknownItem) {
      scratch_.candidates.push_back(index);
    }
  }
  model_begun_ = Clock::now();
  // Where it fails, the retriever still answers within the deadline.
  const double retriever =
      fallback_ == Fallback::kNone && model_ != nullptr ? model_->warm_seconds() : 0;
  const bool scored = ScoreWith(*ranker, deadline_ - std::chrono::duration_cast<Clock::duration>(
                                                         std::chrono::duration<double>(retriever)));
  model_ended_ = Clock::now();
  if (!scored) {
    return false;
  }
  space_ = &ranker->space();
  states_ = &ranker->states();
  scratch_.plain.assign(space_->width(), -std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < scratch_.candidates.size(); ++i) {
    scratch_.plain[scratch_.candidates[i]] = scratch_.candidate_scores[i];
  }
  fallback_ = Fallback::kNone;
  RankedBy(std::move(ranker));
  return true;
}

// scratch_.top are the retriever's best. Those that the ranker does not know drop out.
bool AnswerSteps::RankBest(const ServedModel& ranker) {
  scratch_.candidates.clear();
  for (const search::RankedItem& item : scratch_.top) {
    const ItemIndex index = ranker.space().IndexOf(space_->NumberOf(item.index));
    if (index != kUnknownItem) {
      scratch_.candidates.push_back(index);
    }
  }
  if (!ScoreWith(ranker, deadline_)) {
    return false;
  }
  scratch_.plain.assign(space_->width(), -std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < scratch_.candidates.size(); ++i) {
    const data::ItemNumber number = ranker.space().NumberOf(scratch_.candidates[i]);
    scratch_.plain[space_->IndexOf(number)] = scratch_.candidate_scores[i];
  }
  return true;
}

// What whoever watches is shown. Of a ranker that is a row for each item of the answer: the record of an
// answer holds those, not all candidates, and they can be made of it again.
std::span<const Tensor> AnswerSteps::ServedFeatures() {
  if (ranker_ == nullptr || ranker_->candidate_layout() == nullptr) {
    return ranker_ != nullptr ? scratch_.ranker_features : scratch_.features;
  }
  scratch_.candidates.clear();
  for (const Pick& pick : picks_) {
    scratch_.candidates.push_back(pick.number == kNoNumber ? kUnknownItem
                                                           : ranker_->space().IndexOf(pick.number));
  }
  const data::FeatureInput input = RankerInput(*ranker_);
  // The same transforms took the same request a moment ago: they do not fail now.
  static_cast<void>(ranker_->spec().Apply(std::span(&input, 1), scratch_.ranker_features));
  return scratch_.ranker_features;
}

}  // namespace vitrine::serve
