// Two versions' lists drafted into one answer: the shopper's own clicks choose between them (rollout/interleaving.h).
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "rollout/assignment.h"
#include "rollout/interleaving.h"
#include "serve/answer_steps.h"

namespace vitrine::serve {
namespace {

/// Of the request in this rollout, the same whenever it is drafted again.
std::uint64_t SeedOf(const TrafficSplit& split, const std::string& request_id) {
  return static_cast<std::uint64_t>(
      std::ldexp(rollout::AssignmentPoint(split.salt, request_id), 53));
}

/// A rule put it there, whoever ranks.
bool IsFixed(const RecommendedItem& one, const RecommendedItem& other) {
  return one.item_id == other.item_id && one.source.starts_with("rule:") &&
         one.source == other.source;
}

std::vector<std::uint64_t> NumbersOf(const std::vector<RecommendedItem*>& items) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(items.size());
  for (const RecommendedItem* item : items) {
    numbers.push_back(std::hash<std::string>{}(item->item_id));
  }
  return numbers;
}

}  // namespace

void AnswerSteps::DraftWithCandidate() {
  if (arm_ != Arm::kInterleaved) {
    return;
  }
  const double own_seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  const bool own_failed = fallback_ == Fallback::kDeadline || fallback_ == Fallback::kModelFailed ||
                          fallback_ == Fallback::kNoModel || model_ended_ > deadline_;
  thread_local Scratch scratch;  // its own: this answer's is in use
  thread_local RecommendRequest asked;
  thread_local RecommendResponse theirs;
  asked = request_;
  asked.request_id = response_.request_id;
  asked.as_of = as_of_;
  asked.deadline = deadline_;
  asked.n = Wanted();
  asked.absent = {};
  asked.record = false;
  const Status made = AnswerSteps(parts_, caches_,
                                  {.route = Route::kRecommend,
                                   .request = &asked,
                                   .scene = question_.scene,
                                   .version = split_->candidate,
                                   .retrieves = true},
                                  scratch, theirs)
                          .Run();
  const bool failed = !made.ok() || theirs.fallback == Fallback::kDeadline ||
                      theirs.fallback == Fallback::kModelFailed ||
                      theirs.fallback == Fallback::kNoModel || theirs.model_ended > deadline_;
  split_->counters->control.Add(own_seconds, own_failed, fallback_ != Fallback::kNone);
  split_->counters->treatment.Add(made.ok() ? theirs.seconds : 0, failed,
                                  made.ok() && theirs.fallback != Fallback::kNone);
  if (failed) {
    split_->counters->failure.With([&](std::string& text) {
      text = made.ok() ? std::string(FallbackName(theirs.fallback)) : made.ToString();
    });
  }
  // One list alone is no comparison: the shopper gets the version's that serves, and counts for nobody.
  if (!made.ok() || theirs.fallback != Fallback::kNone || fallback_ != Fallback::kNone) {
    arm_ = Arm::kNone;
    return;
  }
  thread_local std::vector<RecommendedItem> drafted;
  Draft(response_.items, theirs.items, SeedOf(*split_, response_.request_id), drafted);
  std::swap(response_.items, drafted);
}

// Pins and the like stay in their places; the rest is drafted.
void AnswerSteps::Draft(std::vector<RecommendedItem>& own, std::vector<RecommendedItem>& theirs,
                        std::uint64_t seed, std::vector<RecommendedItem>& drafted) {
  const std::size_t both = std::min(own.size(), theirs.size());
  const std::size_t n = std::max(own.size(), theirs.size());
  std::vector<RecommendedItem*> control;
  std::vector<RecommendedItem*> treatment;
  std::vector<bool> fixed(n, false);
  for (std::size_t place = 0; place < n; ++place) {
    fixed[place] = place < both && IsFixed(own[place], theirs[place]);
    if (place < own.size() && !fixed[place]) {
      control.push_back(&own[place]);
    }
    if (place < theirs.size() && !fixed[place]) {
      treatment.push_back(&theirs[place]);
    }
  }
  const std::vector<rollout::DraftedPlace> places =
      rollout::TeamDraft(NumbersOf(control), NumbersOf(treatment), n, seed);
  drafted.clear();
  auto next = places.begin();
  for (std::size_t place = 0; place < n; ++place) {
    if (fixed[place]) {
      drafted.push_back(std::move(own[place]));
      drafted.back().team = Team::kNone;
    } else if (next != places.end()) {
      const bool by_control = next->team == rollout::Arm::kControl;
      drafted.push_back(std::move(*(by_control ? control : treatment)[next->rank]));
      drafted.back().team = by_control ? Team::kControl : Team::kCandidate;
      ++next;
    }
  }
}

}  // namespace vitrine::serve
