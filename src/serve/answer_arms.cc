// Who is answered by a rollout's candidate, and what becomes of it.
#include "serve/answer_steps.h"
#include "serve/model_set.h"
#include "serve/observer.h"

namespace vitrine::serve {

// The same user is in the same arm for as long as the rollout runs, and whoever is nobody is in none.
void AnswerSteps::ChooseArm() {
  if (parts_.traffic == nullptr || question_.version != nullptr || question_.kept) {
    return;
  }
  splits_ = parts_.traffic->Get();
  if (splits_ == nullptr) {
    return;
  }
  for (const TrafficSplit& split : *splits_) {
    if (split.alias == scene_->retriever && (split.scene.empty() || split.scene == scene_->name)) {
      split_ = &split;
      break;
    }
  }
  if (split_ == nullptr || !request_.personalize) {
    return;
  }
  arm_ = split_->ArmOf(request_.user_id.empty() ? request_.anonymous_id : request_.user_id);
  if (arm_ == Arm::kInterleaved && question_.route != Route::kRecommend) {
    arm_ = Arm::kNone;
  }
  if (arm_ == Arm::kTreatment) {
    model_ = split_->candidate;
  } else if (model_ == split_->candidate) {
    arm_ = Arm::kNone;  // a promotion moves the alias first, then ends the arms
  }
}

// What the candidate cannot answer, the version that serves does; the user sees nothing of it.
bool AnswerSteps::TakeControl() {
  if (arm_ != Arm::kTreatment || candidate_failed_) {
    return false;
  }
  candidate_failed_ = true;
  model_ = parts_.models->Get(scene_->retriever);
  if (model_ != nullptr && model_->candidate_layout() != nullptr) {
    model_ = nullptr;
  }
  fallback_ = WhyNotTheModel();
  return true;
}

void AnswerSteps::TellFailure(const ServedModel& model, const Status& status) const {
  if (parts_.observer != nullptr) {
    parts_.observer->OnModelFailure(model, status.ToString());
  }
  if (arm_ == Arm::kTreatment && &model == split_->candidate.get()) {
    split_->counters->failure.With([&](std::string& text) { text = status.ToString(); });
  }
}

void AnswerSteps::CountArm() const {
  if (arm_ == Arm::kNone || arm_ == Arm::kInterleaved) {
    return;  // interleaved: both were counted when they had answered
  }
  const bool gave_up = fallback_ == Fallback::kDeadline || fallback_ == Fallback::kModelFailed ||
                       fallback_ == Fallback::kNoModel;
  const bool late = model_ended_ > deadline_;
  ArmCounters& counters =
      arm_ == Arm::kTreatment ? split_->counters->treatment : split_->counters->control;
  counters.Add(response_.seconds, candidate_failed_ || gave_up || late,
               fallback_ != Fallback::kNone);
}

void AnswerSteps::Mirror() const {
  if (split_ != nullptr && question_.route == Route::kRecommend && fallback_ == Fallback::kNone &&
      split_->Mirrors(response_.request_id)) {
    split_->shadow->Offer(request_, as_of_, response_);
  }
}

}  // namespace vitrine::serve
