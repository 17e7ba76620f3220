#include "serve/answer.h"

#include <algorithm>

#include "serve/answer_steps.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "serve/request_id.h"

namespace vitrine::serve {
namespace {

std::string WhyText(Fallback fallback, const Scene& scene) {
  switch (fallback) {
    case Fallback::kNone:
      return "";
    case Fallback::kUnknownUser:
      return "nothing is known of this user; popular items are shown";
    case Fallback::kNoHistory:
      return "none of this user's events speaks to the model; popular items are shown";
    case Fallback::kNotPersonalised:
      return "the request asked not to be personalised; popular items are shown";
    case Fallback::kNoModel:
      return "no version is loaded under alias '" + scene.retriever +
             "'; what visitors turn to now is shown";
    case Fallback::kDeadline:
      return "the time left did not suffice for the model; popular items are shown";
    case Fallback::kModelFailed:
      return "the model failed on this request; popular items are shown";
    case Fallback::kUnknownItem:
      return "the model does not know this item yet; popular items of its category come first";
  }
  return "";
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

Result<RecommendResponse> Answer(const RecommenderParts& parts, AnswerCaches& caches,
                                 const Question& question) {
  thread_local Scratch scratch;
  return AnswerSteps(parts, caches, question, scratch).Run();
}

AnswerSteps::AnswerSteps(const RecommenderParts& parts, AnswerCaches& caches,
                         const Question& question, Scratch& scratch)
    : parts_(parts),
      caches_(caches),
      question_(question),
      request_(*question.request),
      scratch_(scratch),
      started_(Clock::now()) {}

Result<RecommendResponse> AnswerSteps::Run() {
  RETURN_IF_ERROR(Prepare());
  RETURN_IF_ERROR(ReadWhoAsks());
  RETURN_IF_ERROR(Score());
  const CandidateFilter filter({.log = parts_.log,
                                .items = parts_.items,
                                .table = table_.get(),
                                .scene = scene_.get(),
                                .request = &request_.filter,
                                .user = &user_,
                                .rules = rules_.get(),
                                .asked_about = asked_about_,
                                .now = as_of_});
  filter.FillSkip(*space_, *states_, scratch_.skip);
  RunRanker(filter);
  Select(filter);
  return Respond();
}

Status AnswerSteps::Prepare() {
  ASSIGN_OR_RETURN(scene_, parts_.scenes->Find(request_.scene));
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
  as_of_ = request_.as_of ? *request_.as_of : parts_.now ? parts_.now() : Now();
  deadline_ = request_.deadline.value_or(started_ + std::chrono::milliseconds(scene_->deadline_ms));
  request_id_ = request_.request_id.empty() ? NewRequestId() : request_.request_id;
  table_ = parts_.items->Table();
  if (!scene_->rules.empty()) {
    rules_ = caches_.rules.Get(scene_, table_, *parts_.log);
  }
  model_ = parts_.models->Get(scene_->retriever);
  if (question_.route == Route::kSimilar) {
    asked_about_ = parts_.log->FindItem(question_.similar_to).value_or(kNoNumber);
  }
  return Status::Ok();
}

// With personalize=false nothing is read, not even what was bought.
Status AnswerSteps::ReadWhoAsks() {
  if (!request_.personalize) {
    return Status::Ok();
  }
  subject_ = request_.user_id.empty() ? request_.anonymous_id : request_.user_id;
  if (request_.history) {
    user_ = GivenUser(*parts_.log, *request_.history, as_of_);
  } else if (!subject_.empty()) {
    ASSIGN_OR_RETURN(user_, ReadUser(*parts_.log, subject_, as_of_));
  }
  return Status::Ok();
}

std::size_t AnswerSteps::Wanted() const {
  if (request_.n != 0) {
    return request_.n;
  }
  return question_.route == Route::kRank ? question_.candidates.size() : scene_->n_default;
}

std::string AnswerSteps::IdOf(const Pick& pick) const {
  if (!pick.asked_id.empty()) {
    return std::string(pick.asked_id);
  }
  return parts_.log->ItemId(pick.number);
}

RecommendedItem AnswerSteps::Shown(const Pick& pick) const {
  RecommendedItem item{.item_id = IdOf(pick), .score = pick.score, .source = {}, .reasons = {}};
  if (pick.pin != nullptr) {
    item.source = "rule:" + pick.pin->name;
    return item;
  }
  for (const Rule& rule : scene_->rules) {
    if (rule.kind == RuleKind::kBoost && RuleHolds(rule, pick)) {
      item.source += (item.source.empty() ? "rule:" : "+") + rule.name;
    }
  }
  if (item.source.empty()) {
    const bool unknown = pick.index == kUnknownItem;
    item.source = unknown ? "unknown" : pick.bid_part != 0 ? "bid" : std::string(source_);
  }
  return item;
}

Result<RecommendResponse> AnswerSteps::Respond() {
  RecommendResponse response;
  response.request_id = request_id_;
  response.scene = scene_->name;
  response.fallback = fallback_;
  response.rung = rung_;
  response.why = WhyText(fallback_, *scene_);
  if (fallback_ == Fallback::kNone) {
    response.model = ranker_ != nullptr ? ranker_->version() : model_->version();
    response.personalised = question_.route != Route::kSimilar;
  }
  response.items.reserve(picks_.size());
  for (const Pick& pick : picks_) {
    response.items.push_back(Shown(pick));
  }
  if (request_.explain) {
    RETURN_IF_ERROR(ExplainAll(response));
  }
  response.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  response.model_begun = model_begun_;
  response.model_ended = model_ended_;
  if (request_.record) {
    Keep(response);
  }
  return response;
}

Status AnswerSteps::ExplainAll(RecommendResponse& response) const {
  const ServedModel* ranked_by = ranker_ != nullptr ? ranker_.get() : model_.get();
  const bool by_model = fallback_ == Fallback::kNone;
  const History& history = ranker_ != nullptr ? scratch_.ranker_history : scratch_.history;
  const std::vector<std::uint32_t>& from =
      ranker_ != nullptr ? scratch_.ranker_from : scratch_.from;
  std::vector<std::string> ids;
  for (std::size_t i = 0; by_model && i < history.size(); ++i) {
    ids.push_back(question_.route == Route::kSimilar ? std::string(question_.similar_to)
                  : user_.given                      ? user_.ids[from[i]]
                                : parts_.log->ItemId(user_.events[from[i]].item));
  }
  std::vector<ExplainItem> items;
  for (const Pick& pick : picks_) {
    ExplainItem item{
        .index = kUnknownItem, .model_score = pick.plain, .score = pick.score, .added = {}};
    if (by_model && pick.number != kNoNumber) {
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
    items.push_back(std::move(item));
  }
  return parts_.explainer->Explain({.model = by_model ? ranked_by : nullptr,
                                    .fallback = fallback_,
                                    .similar = question_.route == Route::kSimilar,
                                    .history = by_model ? std::span<const HistoryEvent>(history)
                                                        : std::span<const HistoryEvent>(),
                                    .history_ids = ids,
                                    .as_of = as_of_,
                                    .user = user_.known ? &user_.user : nullptr,
                                    .context = &request_.context,
                                    .language = request_.language},
                                   items, response.items);
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
      event.item_id = parts_.log->ItemId(user_.events[from[i]].item);
    }
  }
}

void AnswerSteps::Keep(RecommendResponse& response) {
  Impression& impression = scratch_.impression;
  impression.request_id = response.request_id;
  impression.ts = as_of_;
  impression.subject = subject_;
  impression.scene = scene_->name;
  impression.route = RouteName(question_.route);
  impression.model = response.model;
  impression.fallback = FallbackName(fallback_);
  impression.query.clear();
  impression.items.resize(response.items.size());
  for (std::size_t i = 0; i < response.items.size(); ++i) {
    impression.items[i].item_id = response.items[i].item_id;
    impression.items[i].score = response.items[i].score;
    impression.items[i].source = response.items[i].source;
  }
  FillHistory(impression.history);
  impression.personalised = response.personalised;
  impression.seconds = response.seconds;
  // An answer is worth more than its record: where the log cannot take it, the answer still goes
  // out, and the observer counts the loss.
  const bool kept = parts_.log->AppendImpression(impression).ok();
  Remember();
  if (parts_.observer == nullptr) {
    return;
  }
  if (fallback_ == Fallback::kNone) {
    scratch_.shown_scores.clear();
    for (const Pick& pick : picks_) {
      scratch_.shown_scores.push_back(pick.plain);
    }
    parts_.observer->OnServed(
        {.model = ranker_ != nullptr ? *ranker_ : *model_,
         .request_id = response.request_id,
         .scene = scene_->name,
         .features = ranker_ != nullptr ? scratch_.ranker_features : scratch_.features,
         .shown_scores = scratch_.shown_scores,
         .model_seconds = std::chrono::duration<double>(model_ended_ - model_begun_).count(),
         .seconds = response.seconds});
  }
  parts_.observer->OnImpression(impression, kept);
  if (rung_ != Rung::kFull) {
    parts_.observer->OnDegraded(scene_->name, RungName(rung_));
  }
}

// An answer to a narrower question than "what for this user" would be a wrong one later.
void AnswerSteps::Remember() {
  if (fallback_ != Fallback::kNone || !Remembers() || !request_.filter.where.empty() ||
      !request_.filter.include.empty()) {
    return;
  }
  scratch_.recent.clear();
  for (const Pick& pick : picks_) {
    if (pick.pin == nullptr) {
      scratch_.recent.push_back(pick.number);
    }
  }
  caches_.recent.Keep(scene_->name, subject_, scratch_.recent);
}

}  // namespace vitrine::serve
