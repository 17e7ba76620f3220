#include "serve/recommend.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "serve/answer.h"
#include "serve/candidate_scorer.h"
#include "serve/graph_scorer.h"
#include "serve/model_set.h"
#include "serve/outside_rankers.h"

namespace vitrine::serve {
namespace {

constexpr double kSameScore = 1e-6;

Status CheckCandidates(const std::vector<Candidate>& candidates) {
  if (candidates.empty() || candidates.size() > kMostCandidates) {
    return InvalidArgument("rank takes 1 to " + std::to_string(kMostCandidates) +
                           " candidates, there are " + std::to_string(candidates.size()));
  }
  std::size_t bids = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.item_id.empty()) {
      return InvalidArgument("a candidate has no item_id");
    }
    if (!std::isfinite(candidate.bid) || candidate.bid < 0) {
      return InvalidArgument("the bid of candidate '" + candidate.item_id +
                             "' must be a number of 0 or more");
    }
    bids += candidate.bid > 0 ? 1U : 0U;
  }
  if (bids != 0 && bids != candidates.size()) {
    return InvalidArgument(
        "some candidates have a bid and some have none; send bids for all of "
        "them or for none");
  }
  return Status::Ok();
}

History HistoryOf(const Impression& impression, const ServedModel& model) {
  History history;
  for (const SeenEvent& event : impression.history) {
    history.push_back({.item = model.vocabulary().Find(event.item_id),
                       .ts = event.ts,
                       .type = event.type,
                       .basket = event.basket});
  }
  return history;
}

std::string_view SceneOf(const RecommendRequest& request) {
  return request.scene.empty() ? std::string_view("home") : request.scene;
}

std::string_view SceneOf(const RankRequest& request) {
  if (!request.request.scene.empty()) {
    return request.request.scene;
  }
  const bool bids = !request.candidates.empty() && request.candidates.front().bid > 0;
  return bids ? "ad" : "article";
}

std::optional<Deadline> SceneWaitsUntil(const SceneBook& scenes, std::string_view name) {
  const auto scene = scenes.Find(name);
  if (!scene.ok() || !OutsideRankers::Names((*scene)->ranker)) {
    return std::nullopt;
  }
  return After(std::chrono::milliseconds((*scene)->deadline_ms));
}

// What a version says now of each item of an answer; 0 of those that it does not know.
Result<std::vector<double>> ScoresNow(const ServedModel& model, const Impression& impression) {
  const History history = HistoryOf(impression, model);
  std::vector<ItemIndex> items;
  for (const ShownItem& item : impression.items) {
    items.push_back(model.vocabulary().Find(item.item_id));
  }
  const RequestFacts facts{.as_of = impression.ts};
  std::vector<double> scores;
  if (model.candidate_layout() != nullptr) {
    const CandidateScorer scorer(model.graph(), model.spec(), *model.candidate_layout(), items,
                                 facts);
    RETURN_IF_ERROR(scorer.Score(std::span(&history, 1), scores));
  } else {
    const GraphScorer scorer(model.graph(), model.spec(), model.space().width(), facts);
    std::vector<double> all;
    RETURN_IF_ERROR(scorer.Score(std::span(&history, 1), all));
    for (const ItemIndex item : items) {
      scores.push_back(all[item]);
    }
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    scores[i] = items[i] == kUnknownItem ? 0 : scores[i];
  }
  return scores;
}

// Items that the model alone placed carry its own score.
bool IsModels(const ShownItem& item) { return item.source.starts_with("model:"); }

Result<std::shared_ptr<const ServedModel>> LoadedVersion(const std::string& version,
                                                         const ModelSet& models) {
  std::shared_ptr<const ServedModel> model = models.FindModel(version);
  if (model == nullptr) {
    return FailedPrecondition("version " + version +
                              " gave this answer and is not loaded any more; give it an alias to "
                              "load it");
  }
  return model;
}

// The version that gave an answer; null: a fallback did.
Result<std::shared_ptr<const ServedModel>> VersionOf(const Impression& impression,
                                                     const ModelSet& models) {
  if (impression.route == "external") {
    return FailedPrecondition("answer " + impression.request_id +
                              " was given by another system; only what it sent is known");
  }
  if (impression.model.empty()) {
    return std::shared_ptr<const ServedModel>();
  }
  if (OutsideRankers::Names(impression.model)) {
    return FailedPrecondition("answer " + impression.request_id +
                              " was ranked by another server, " + impression.model +
                              ", whose versions are not kept here; it cannot be asked again");
  }
  return LoadedVersion(impression.model, models);
}

// Spacing, variety and places for new items put some above others of a higher score.
bool StandsByScore(const SceneBook& scenes, const std::string& name) {
  const auto scene = scenes.Find(name);
  return !scene.ok() ||
         ((*scene)->spacing.empty() && (*scene)->diversity.empty() && (*scene)->exposure.empty());
}

bool SameAnswer(const Impression& impression, const std::vector<double>& scores, bool by_score) {
  double previous = INFINITY;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const ShownItem& shown = impression.items[i];
    if (!IsModels(shown)) {
      continue;
    }
    const double slack = kSameScore * std::max(1.0, std::fabs(shown.score));
    const bool ordered = !by_score || scores[i] <= previous + slack;
    if (!(std::fabs(scores[i] - shown.score) <= slack) || !ordered) {
      return false;
    }
    previous = scores[i];
  }
  return true;
}

}  // namespace

std::string_view ReasonKindName(ReasonKind kind) {
  switch (kind) {
    case ReasonKind::kHistory:
      return "history";
    case ReasonKind::kBase:
      return "base";
    case ReasonKind::kRule:
      return "rule";
    case ReasonKind::kBid:
      return "bid";
    case ReasonKind::kPopularity:
      return "popularity";
    case ReasonKind::kSimilar:
      return "similar";
    case ReasonKind::kQuery:
      return "query";
    case ReasonKind::kOutside:
      return "outside";
    case ReasonKind::kFeature:
      return "feature";
    case ReasonKind::kDiversity:
      return "diversity";
    case ReasonKind::kExposure:
      return "exposure";
  }
  return "unknown";
}

std::string_view FallbackName(Fallback fallback) {
  switch (fallback) {
    case Fallback::kNone:
      return "";
    case Fallback::kUnknownUser:
      return "unknown_user";
    case Fallback::kNoHistory:
      return "no_history";
    case Fallback::kNotPersonalised:
      return "not_personalised";
    case Fallback::kNoModel:
      return "no_model";
    case Fallback::kDeadline:
      return "deadline";
    case Fallback::kModelFailed:
      return "model_failed";
    case Fallback::kUnknownItem:
      return "unknown_item";
  }
  return "unknown";
}

std::string_view RungName(Rung rung) {
  switch (rung) {
    case Rung::kFull:
      return "";
    case Rung::kNoRanker:
      return "no_ranker";
    case Rung::kCached:
      return "cached";
    case Rung::kPopular:
      return "popular";
  }
  return "unknown";
}

Recommender::Recommender(RecommenderParts parts)
    : parts_(std::move(parts)),
      caches_(std::make_unique<AnswerCaches>(parts_.lists, parts_.metrics)) {
  CHECK(parts_.log != nullptr && parts_.models != nullptr && parts_.scenes != nullptr &&
        parts_.items != nullptr);
}

Recommender::~Recommender() = default;

void Recommender::Forget(std::string_view subject) const { caches_->recent.Forget(subject); }

std::optional<Deadline> Recommender::WaitsUntil(const RecommendRequest& request) const {
  return SceneWaitsUntil(*parts_.scenes, SceneOf(request));
}

std::optional<Deadline> Recommender::WaitsUntil(const RankRequest& request) const {
  return SceneWaitsUntil(*parts_.scenes, SceneOf(request));
}

Status Recommender::Recommend(const RecommendRequest& request, RecommendResponse& response) const {
  return Answer(parts_, *caches_,
                {.route = Route::kRecommend, .request = &request, .scene = SceneOf(request)},
                response);
}

Status Recommender::RecommendBy(const std::shared_ptr<const ServedModel>& version,
                                const RecommendRequest& request,
                                RecommendResponse& response) const {
  return Answer(parts_, *caches_,
                {.route = Route::kRecommend,
                 .request = &request,
                 .scene = SceneOf(request),
                 .version = version,
                 .retrieves = true},
                response);
}

Result<RecommendResponse> Recommender::Recommend(const RecommendRequest& request) const {
  RecommendResponse response;
  RETURN_IF_ERROR(Recommend(request, response));
  return response;
}

Status Recommender::Similar(const SimilarRequest& request, RecommendResponse& response) const {
  if (!parts_.log->FindItem(request.item_id)) {
    return NotFound("no item '" + request.item_id + "' in the catalogue or the log");
  }
  thread_local RecommendRequest asked;  // for its memory
  asked.request_id = request.request_id;
  asked.user_id = request.user_id;
  asked.anonymous_id = request.anonymous_id;
  asked.n = request.n;
  asked.filter = request.filter;
  asked.personalize = request.personalize;
  asked.explain = request.explain;
  asked.absent = request.absent;
  asked.language = request.language;
  asked.deadline = request.deadline;
  asked.record = request.record;
  return Answer(parts_, *caches_,
                {.route = Route::kSimilar,
                 .request = &asked,
                 .scene = request.scene.empty() ? "item" : std::string_view(request.scene),
                 .similar_to = request.item_id},
                response);
}

Result<RecommendResponse> Recommender::Similar(const SimilarRequest& request) const {
  RecommendResponse response;
  RETURN_IF_ERROR(Similar(request, response));
  return response;
}

Result<RecommendResponse> Recommender::Rank(const RankRequest& request) const {
  RETURN_IF_ERROR(CheckCandidates(request.candidates));
  RecommendResponse response;
  RETURN_IF_ERROR(Answer(parts_, *caches_,
                         {.route = Route::kRank,
                          .request = &request.request,
                          .scene = SceneOf(request),
                          .similar_to = {},
                          .candidates = request.candidates},
                         response));
  return response;
}

Result<Replayed> Recommender::Replay(std::string_view request_id) const {
  Replayed replayed;
  ASSIGN_OR_RETURN(replayed.impression, parts_.log->GetImpression(request_id));
  const Impression& impression = replayed.impression;
  ASSIGN_OR_RETURN(const auto model, VersionOf(impression, *parts_.models));
  if (model == nullptr) {
    return replayed;
  }
  ASSIGN_OR_RETURN(replayed.model_scores, ScoresNow(*model, impression));
  if (impression.interleaved()) {
    ASSIGN_OR_RETURN(const auto candidate, LoadedVersion(impression.candidate, *parts_.models));
    ASSIGN_OR_RETURN(const std::vector<double> theirs, ScoresNow(*candidate, impression));
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      if (impression.items[i].team == Team::kCandidate) {
        replayed.model_scores[i] = theirs[i];
      }
    }
  }
  const bool by_score =
      !impression.interleaved() && StandsByScore(*parts_.scenes, impression.scene);
  replayed.same = SameAnswer(impression, replayed.model_scores, by_score);
  return replayed;
}

Result<Examined> Recommender::Examine(std::string_view request_id, const AbsenceQuestion& question,
                                      std::string_view language) const {
  Examined examined;
  ASSIGN_OR_RETURN(examined.impression, parts_.log->GetImpression(request_id));
  const Impression& impression = examined.impression;
  ASSIGN_OR_RETURN(const auto version, VersionOf(impression, *parts_.models));
  const bool similar = impression.route == "similar";
  if (!similar && impression.route != "recommend") {
    return FailedPrecondition("answer " + impression.request_id + " is of route '" +
                              impression.route +
                              "', whose other candidates are not kept; only answers of recommend "
                              "and similar can be asked why an item is not in them");
  }
  if (impression.interleaved()) {
    return FailedPrecondition("answer " + impression.request_id +
                              " was drafted from the lists of " + impression.model + " and " +
                              impression.candidate + "; what neither showed is not kept");
  }
  if (similar && impression.history.empty()) {
    return FailedPrecondition("answer " + impression.request_id +
                              " came from a fallback, and the item it was like is not kept");
  }
  RecommendRequest request;
  request.n = impression.items.size();
  request.explain = true;
  request.absent = question;
  request.language = language;
  request.as_of = impression.ts;
  request.deadline = Deadline::max();
  request.record = false;
  request.user_id = impression.subject;
  request.personalize = impression.fallback != FallbackName(Fallback::kNotPersonalised);
  if (!similar && version != nullptr) {
    request.history = impression.history;
  }
  RecommendResponse response;
  RETURN_IF_ERROR(
      Answer(parts_, *caches_,
             {.route = similar ? Route::kSimilar : Route::kRecommend,
              .request = &request,
              .scene = impression.scene,
              .similar_to = similar ? impression.history.front().item_id : std::string_view(),
              .candidates = {},
              .kept = true,
              .version = version},
             response));
  examined.same =
      std::equal(response.items.begin(), response.items.end(), impression.items.begin(),
                 impression.items.end(), [](const RecommendedItem& now, const ShownItem& then) {
                   return now.item_id == then.item_id;
                 });
  examined.absent = std::move(response.absent);
  return examined;
}

}  // namespace vitrine::serve
