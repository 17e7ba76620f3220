#include "serve/answer.h"

#include <algorithm>

#include "serve/answer_steps.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "serve/request_id.h"

namespace vitrine::serve {
namespace {

std::string_view WhyText(Fallback fallback) {
  switch (fallback) {
    case Fallback::kNone:
    case Fallback::kNoModel:
      return "";
    case Fallback::kUnknownUser:
      return "nothing is known of this user; popular items are shown";
    case Fallback::kNoHistory:
      return "none of this user's events speaks to the model; popular items are shown";
    case Fallback::kNotPersonalised:
      return "the request asked not to be personalised; popular items are shown";
    case Fallback::kDeadline:
      return "the time left did not suffice for the model; popular items are shown";
    case Fallback::kModelFailed:
      return "the model failed on this request; popular items are shown";
    case Fallback::kUnknownItem:
      return "the model does not know this item yet; popular items of its category come first";
  }
  return "";
}

void AssignWhy(Fallback fallback, const Scene& scene, bool retriever_is_ranker, std::string& why) {
  if (fallback == Fallback::kNoModel) {
    why = retriever_is_ranker ? "a ranker, which finds no candidates of its own, has alias '"
                              : "no version is loaded under alias '";
    why += scene.retriever;
    why += retriever_is_ranker ? "', the scene's retriever; what visitors turn to now is shown"
                               : "'; what visitors turn to now is shown";
  } else {
    why = WhyText(fallback);
  }
}

}  // namespace

std::string_view RouteName(Route route) {
  switch (route) {
    case Route::kRecommend:
      return "recommend";
    case Route::kSimilar:
      return "similar";
    case Route::kRank:
      return "rank";
  }
  return "unknown";
}

Status Answer(const RecommenderParts& parts, AnswerCaches& caches, const Question& question,
              RecommendResponse& response) {
  thread_local Scratch scratch;
  return AnswerSteps(parts, caches, question, scratch, response).Run();
}

AnswerSteps::AnswerSteps(const RecommenderParts& parts, AnswerCaches& caches,
                         const Question& question, Scratch& scratch, RecommendResponse& response)
    : parts_(parts),
      caches_(caches),
      question_(question),
      request_(*question.request),
      scratch_(scratch),
      started_(Clock::now()),
      user_(scratch.user),
      picks_(scratch.picks),
      response_(response) {
  picks_.clear();
}

Status AnswerSteps::Run() {
  RETURN_IF_ERROR(Prepare());
  RETURN_IF_ERROR(ReadWhoAsks());
  fallback_ = WhyNotTheModel();
  if (fallback_ == Fallback::kDeadline) {
    TakeControl();
  }
  if (TakeList()) {
    return Respond();
  }
  if (!RankGiven()) {
    RETURN_IF_ERROR(Score());
  }
  const CandidateFilter filter({.log = parts_.log,
                                .items = parts_.items,
                                .table = table_.get(),
                                .scene = scene_.get(),
                                .request = &request_.filter,
                                .user = &user_,
                                .rules = rules_.get(),
                                .asked_about = asked_about_,
                                .now = as_of_,
                                .numbers = &scratch_.filter});
  filter.FillSkip(*space_, *states_, scratch_.skip);
  RunRanker(filter);
  Select(filter);
  if (!request_.absent.empty()) {
    RETURN_IF_ERROR(NameAbsent(filter));
  }
  return Respond();
}

Status AnswerSteps::Prepare() {
  ASSIGN_OR_RETURN(scene_, parts_.scenes->Find(question_.scene));
  if (request_.n > scene_->n_max && question_.route != Route::kRank) {
    return InvalidArgument("n is " + std::to_string(request_.n) + ", scene '" + scene_->name +
                           "' gives at most " + std::to_string(scene_->n_max));
  }
  if (request_.language != "en" && request_.language != "zh") {
    return InvalidArgument("language '" + request_.language + "' is not known; use en or zh");
  }
  if (request_.explain && parts_.explainer == nullptr) {
    return FailedPrecondition("this server does not explain; ask without 'explain'");
  }
  if (!request_.absent.empty()) {
    RETURN_IF_ERROR(CheckAbsent());
  }
  response_.absent = {};
  response_.explained = {};
  as_of_ = request_.as_of ? *request_.as_of : parts_.now ? parts_.now() : Now();
  deadline_ = request_.deadline.value_or(started_ + std::chrono::milliseconds(scene_->deadline_ms));
  if (request_.request_id.empty()) {
    MakeRequestId(response_.request_id);
  } else {
    response_.request_id = request_.request_id;
  }
  table_ = parts_.items->Table();
  if (!scene_->rules.empty()) {
    rules_ = caches_.rules.Get(scene_, table_, *parts_.log);
  }
  model_ = parts_.models->Get(scene_->retriever);
  ChooseArm();
  if (const auto& version = question_.version; version != nullptr) {
    const bool ranks = version->candidate_layout() != nullptr ||
                       (!question_.retrieves && !scene_->ranker.empty() && version != model_);
    (ranks ? asked_ranker_ : model_) = version;
  }
  if (model_ != nullptr && model_->candidate_layout() != nullptr) {
    retriever_is_ranker_ = true;
    model_ = nullptr;
  }
  if (question_.route == Route::kSimilar) {
    asked_about_ = parts_.log->FindItem(question_.similar_to).value_or(kNoNumber);
  }
  return Status::Ok();
}

// With personalize=false nothing is read, not even what was bought.
Status AnswerSteps::ReadWhoAsks() {
  Clear(user_);
  if (!request_.personalize) {
    return Status::Ok();
  }
  subject_ = request_.user_id.empty() ? request_.anonymous_id : request_.user_id;
  if (request_.history) {
    ReadGivenUser(*parts_.log, *request_.history, as_of_, user_);
    if (question_.kept && !subject_.empty()) {
      RETURN_IF_ERROR(AddStoredUser(*parts_.log, subject_, as_of_, user_));
    }
  } else if (!subject_.empty()) {
    RETURN_IF_ERROR(ReadUser(*parts_.log, subject_, as_of_, user_));
  }
  return Status::Ok();
}

std::size_t AnswerSteps::Wanted() const {
  if (request_.n != 0) {
    return request_.n;
  }
  return question_.route == Route::kRank ? question_.candidates.size() : scene_->n_default;
}

void AnswerSteps::AssignId(const Pick& pick, std::string& id) const {
  if (!pick.asked_id.empty()) {
    id = pick.asked_id;
  } else if (const ItemFields* fields = table_->Find(pick.number); fields != nullptr) {
    id = fields->id;
  } else {
    id = parts_.log->ItemId(pick.number);
  }
}

std::string AnswerSteps::IdOf(const Pick& pick) const {
  std::string id;
  AssignId(pick, id);
  return id;
}

void AnswerSteps::Show(const Pick& pick, RecommendedItem& item) const {
  AssignId(pick, item.item_id);
  item.score = pick.score;
  item.source.clear();
  item.reasons.clear();
  item.team = Team::kNone;
  if (pick.pin != nullptr) {
    item.source = "rule:";
    item.source += pick.pin->name;
    return;
  }
  for (const Rule& rule : scene_->rules) {
    if (rule.kind == RuleKind::kBoost && RuleHolds(rule, pick)) {
      item.source += item.source.empty() ? "rule:" : "+";
      item.source += rule.name;
    }
  }
  if (item.source.empty() && pick.kept && pick.bid_part == 0) {
    item.source = kNewSource;
  }
  if (item.source.empty()) {
    const bool unknown = pick.index == kUnknownItem;
    item.source = unknown ? "unknown" : pick.bid_part != 0 ? "bid" : source_;
  }
}

Status AnswerSteps::Respond() {
  response_.scene = scene_->name;
  response_.fallback = fallback_;
  response_.rung = rung_;
  AssignWhy(fallback_, *scene_, retriever_is_ranker_, response_.why);
  response_.rollout.clear();
  response_.model.clear();
  response_.personalised = false;
  if (fallback_ == Fallback::kNone) {
    response_.model = ranker_ != nullptr ? ranker_->version() : model_->version();
    response_.personalised =
        question_.route != Route::kSimilar && (ranker_ == nullptr || user_.known);
  }
  if (list_ != nullptr) {
    response_.items = list_->items;
  } else {
    response_.items.resize(picks_.size());
    for (std::size_t i = 0; i < picks_.size(); ++i) {
      Show(picks_[i], response_.items[i]);
    }
    KeepList();
  }
  if (request_.explain) {
    RETURN_IF_ERROR(ExplainAll());
  }
  DraftWithCandidate();
  response_.arm = arm_;
  if (arm_ != Arm::kNone) {
    response_.rollout = split_->rollout;
  }
  response_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  response_.model_begun = model_begun_;
  response_.model_ended = model_ended_;
  if (request_.record) {
    Keep();
  }
  return Status::Ok();
}

void AnswerSteps::FillHistory(std::vector<SeenEvent>& history) const {
  if (fallback_ != Fallback::kNone) {
    history.clear();
    return;
  }
  const History& handed = ranker_ != nullptr ? scratch_.ranker_history : scratch_.history;
  const std::vector<std::uint32_t>& from =
      ranker_ != nullptr ? scratch_.ranker_from : scratch_.from;
  history.resize(handed.size());
  for (std::size_t i = 0; i < handed.size(); ++i) {
    SeenEvent& event = history[i];
    event.ts = handed[i].ts;
    event.type = handed[i].type;
    event.basket = handed[i].basket;
    if (question_.route == Route::kSimilar) {
      event.item_id = question_.similar_to;
    } else if (user_.given) {
      event.item_id = user_.ids[from[i]];
    } else {
      const data::ItemNumber number = user_.events[from[i]].item;
      const ItemFields* fields = table_->Find(number);
      if (fields != nullptr) {
        event.item_id = fields->id;
      } else {
        event.item_id = parts_.log->ItemId(number);
      }
    }
  }
}

// While another server was waited for, the user may have been erased: nothing of them is kept then.
bool AnswerSteps::ErasedMeanwhile() const {
  if (!waited_ || user_.state == nullptr) {
    return false;
  }
  const auto state = parts_.log->ViewUserState(subject_);
  return !state.ok() || *state == nullptr;
}

void AnswerSteps::Keep() {
  const bool erased = ErasedMeanwhile();
  Impression& impression = scratch_.impression;
  impression.request_id = response_.request_id;
  impression.ts = as_of_;
  impression.subject = erased ? std::string_view() : subject_;
  impression.scene = scene_->name;
  impression.route = RouteName(question_.route);
  impression.model = response_.model;
  impression.fallback = FallbackName(fallback_);
  impression.query.clear();
  impression.items.resize(response_.items.size());
  for (std::size_t i = 0; i < response_.items.size(); ++i) {
    impression.items[i].item_id = response_.items[i].item_id;
    impression.items[i].score = response_.items[i].score;
    impression.items[i].source = response_.items[i].source;
    impression.items[i].team = response_.items[i].team;
  }
  FillHistory(impression.history);
  if (erased) {
    impression.history.clear();
  }
  impression.personalised = response_.personalised;
  impression.rollout = response_.rollout;
  impression.arm = ArmName(arm_);
  impression.candidate =
      arm_ == Arm::kInterleaved ? std::string_view(split_->candidate->version()) : "";
  impression.seconds = response_.seconds;
  // An answer is worth more than its record: where the log cannot take it, the answer still goes
  // out, and the observer counts the loss.
  const bool kept = parts_.log->AppendImpression(impression).ok();
  if (!erased) {
    Remember();
  }
  CountShown();
  CountArm();
  Mirror();
  if (parts_.observer == nullptr) {
    return;
  }
  if (fallback_ == Fallback::kNone) {
    scratch_.shown_scores.clear();
    for (const Pick& pick : picks_) {
      scratch_.shown_scores.push_back(pick.plain);
    }
    if (list_ != nullptr) {
      scratch_.shown_scores = list_->shown_scores;
    }
    parts_.observer->OnServed(
        {.model = ranker_ != nullptr ? *ranker_ : *model_,
         .request_id = response_.request_id,
         .scene = scene_->name,
         .features = ServedFeatures(),
         .shown_scores = scratch_.shown_scores,
         .model_seconds = std::chrono::duration<double>(model_ended_ - model_begun_).count(),
         .seconds = response_.seconds,
         .features_seconds = std::chrono::duration<double>(features_time_).count(),
         .graph_seconds = std::chrono::duration<double>(graph_time_).count(),
         .ready = list_ != nullptr});
  }
  parts_.observer->OnImpression(impression, kept);
  if (rung_ != Rung::kFull) {
    parts_.observer->OnDegraded(scene_->name, RungName(rung_));
  }
}

void AnswerSteps::CountShown() {
  if (list_ != nullptr) {
    for (const data::ItemNumber number : list_->numbers) {
      caches_.shown.Add(number);
    }
  }
  for (const Pick& pick : picks_) {
    if (pick.number != kNoNumber) {
      caches_.shown.Add(pick.number);
    }
  }
}

// An answer to a narrower question than "what for this user" would be a wrong one later.
void AnswerSteps::Remember() {
  // Nor is a candidate's: it would outlive a rollout that was rolled back.
  if (fallback_ != Fallback::kNone || !Remembers() || arm_ == Arm::kTreatment ||
      arm_ == Arm::kInterleaved || !request_.filter.where.empty() ||
      !request_.filter.include.empty()) {
    return;
  }
  scratch_.recent.clear();
  for (const Pick& pick : picks_) {
    if (pick.pin == nullptr && !pick.kept) {
      scratch_.recent.push_back(pick.number);
    }
  }
  caches_.recent.Keep(scene_->name, subject_, scratch_.recent);
}

}  // namespace vitrine::serve
