/// What a shop asks and what it gets: requests, answers, and the Recommender that makes one of the
/// other. Transport translates to and from these structs; nothing here knows HTTP or JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/event.h"
#include "core/impression.h"
#include "core/status.h"
#include "core/time.h"
#include "data/event_log.h"
#include "serve/predicate.h"
#include "serve/reason.h"

namespace vitrine {
class MetricRegistry;
}  // namespace vitrine

namespace vitrine::serve {

struct AnswerCaches;
class Explainer;
class ItemStates;
class ModelSet;
class OutsideRankers;
class SceneBook;
class ServeObserver;
class Traffic;
class ServedModel;
class Trending;

/// What the answer must leave out or keep to. An unset switch takes the scene's value. Items taken
/// down by the shop (hidden or deleted) are in no answer, whatever is said here.
struct RequestFilter {
  std::optional<bool> exclude_bought;
  std::optional<bool> exclude_seen;    ///< every item of the user's history
  std::optional<bool> exclude_hidden;  ///< items that this user hid
  std::optional<bool> exclude_out_of_stock;
  std::optional<bool> exclude_unknown;  ///< items that the catalogue does not know
  ItemPredicate where;                  ///< only items that match
  std::vector<std::string> exclude;     ///< ids
  std::vector<std::string> include;     ///< ids; not empty: nothing else may be shown

  /// True where nothing is asked beside what the scene says.
  [[nodiscard]] bool empty() const {
    return !exclude_bought && !exclude_seen && !exclude_hidden && !exclude_out_of_stock &&
           !exclude_unknown && where.empty() && exclude.empty() && include.empty();
  }
};

struct RecommendRequest {
  std::string request_id;  ///< empty: one is made
  std::string scene;       ///< empty: "home"
  std::string user_id;
  std::string anonymous_id;  ///< used where user_id is empty
  std::size_t n = 0;         ///< 0: the scene's default; more than its maximum is refused
  RequestFilter filter;
  /// False: nothing of the user's state is read, no history is used, the impression has no subject.
  bool personalize = true;
  bool explain = false;         ///< fill `reasons`
  AbsenceQuestion absent;       ///< only with explain
  std::string language = "en";  ///< of the reasons' text: "en" or "zh"
  Attributes context;           ///< device, hour, page, ...
  /// Replaces the stored state (also what was bought); oldest first, events after `as_of` are
  /// dropped. An empty list is a user without a history.
  std::optional<std::vector<SeenEvent>> history;
  std::optional<Micros> as_of;       ///< the moment answered for; unset: now
  std::optional<Deadline> deadline;  ///< unset: the scene's time from the call on
  bool record = true;                ///< false: no impression is kept (previews, tests of a scene)
  bool may_wait = true;  ///< false: no other server is asked; its part of the answer is left out
};

struct SimilarRequest {
  std::string request_id;
  std::string item_id;
  std::string scene;    ///< empty: "item"
  std::string user_id;  ///< used by exclude_bought and exclude_hidden only
  std::string anonymous_id;
  std::size_t n = 0;
  RequestFilter filter;
  bool personalize = true;
  bool explain = false;
  AbsenceQuestion absent;  ///< only with explain
  std::string language = "en";
  std::optional<Deadline> deadline;
  bool record = true;
};

struct Candidate {
  std::string item_id;
  double bid = 0;  ///< 0: no bid; only relevance counts. All candidates of a request or none.
};

/// Of one RankRequest.
inline constexpr std::size_t kMostCandidates = 1000;

/// Orders given candidates for a user: ads with bids, articles, results of another system.
struct RankRequest {
  RecommendRequest request;  ///< scene empty: "ad" where there are bids, else "article"; n 0: all
  std::vector<Candidate> candidates;
};

/// Source of an item whose place was kept for a new one.
inline constexpr std::string_view kNewSource = "new";

struct RecommendedItem {
  std::string item_id;
  double score = 0;
  std::string source;  ///< "model:sasrec", "fallback:popularity", "rule:<name>", kNewSource
  std::vector<Reason> reasons;  ///< largest contribution first, the base last; only with explain
  Team team = Team::kNone;
};

/// Why an answer is not the model's. Persisted in impressions by name.
enum class Fallback : std::uint8_t {
  kNone,
  kUnknownUser,      ///< "unknown_user": no such user, or nobody named
  kNoHistory,        ///< "no_history": a known user, but nothing of theirs is known to the model
  kNotPersonalised,  ///< "not_personalised": personalize=false
  kNoModel,          ///< "no_model": nothing is loaded under the scene's alias
  kDeadline,         ///< "deadline": the time left does not suffice for the model
  kModelFailed,      ///< "model_failed": features or graph gave an error (it is counted and logged)
  kUnknownItem,      ///< "unknown_item": similar items of an item that the model does not know
};
std::string_view FallbackName(Fallback fallback);

/// How far an answer had to come down from its scene's whole pipeline, for want of time or of a part that works.
enum class Rung : std::uint8_t {
  kFull,
  kNoRanker,  ///< "no_ranker": the retriever's order stands
  kCached,    ///< "cached": what the model last gave this user, then popular items
  kPopular,   ///< "popular"
};
std::string_view RungName(Rung rung);

/// Which version of a rollout answers a user. Persisted in impressions by name.
enum class Arm : std::uint8_t {
  kNone,         ///< "": no rollout is about this request
  kControl,      ///< "control": the version that serves
  kTreatment,    ///< "treatment": the candidate
  kInterleaved,  ///< "interleaved": both, their lists drafted into one
};
std::string_view ArmName(Arm arm);

struct RecommendResponse {
  std::string request_id;
  std::string scene;
  std::vector<RecommendedItem> items;
  std::string model;  ///< "name:number" of the version that ranked; empty for a fallback
  Fallback fallback = Fallback::kNone;
  Rung rung = Rung::kFull;
  std::string why;  ///< one sentence on the fallback; empty without one
  bool personalised = false;
  double seconds = 0;    ///< time spent answering
  Deadline model_begun;  ///< features and graph of the version that was asked first
  Deadline model_ended;  ///< the same where none was
  Explained explained;   ///< only with explain
  Absences absent;       ///< only where they were asked for
  std::string rollout;   ///< the rollout that this answer counts in; empty: none
  Arm arm = Arm::kNone;  ///< of that rollout
};

/// A kept answer beside what its version says of the same history now.
struct Replayed {
  Impression impression;
  /// Of each item, in the answer's order: the version's score, before rules and bids. Empty where a
  /// fallback answered.
  std::vector<double> model_scores;
  /// True where each item that the model alone placed has the score it was shown with (to 1e-6 of its size),
  /// and, where the scene puts none above a better scored one, those stand in the order of their scores.
  bool same = true;
};

/// A kept answer made again, to see what is not in it.
struct Examined {
  Impression impression;
  /// False where the answer made now has other items or another order than the kept one: the shop's catalogue, the
  /// scene or its rules have changed, or the request had filters of its own, which are not kept.
  bool same = true;
  Absences absent;
};

/// Ready answers to requests that say nothing of their own (serve/answer_lists.h).
struct ListOptions {
  std::size_t bytes = 0;  ///< of all of them together; 0: every answer is made anew
  /// How old an order of trending items may be; below 1: it is made anew each time.
  Micros trending_age{kMicrosPerSecond};
};

/// What a Recommender works on; everything outlives it. From `trending` on all may be null.
struct RecommenderParts {
  data::EventLog* log = nullptr;
  const ModelSet* models = nullptr;
  const SceneBook* scenes = nullptr;
  const ItemStates* items = nullptr;
  const Trending* trending = nullptr;    ///< null: no trending fallback
  const Explainer* explainer = nullptr;  ///< null: explain is refused
  ServeObserver* observer = nullptr;
  const OutsideRankers* outside = nullptr;  ///< null: no scene can name one
  const Traffic* traffic = nullptr;         ///< null: no rollout runs
  std::function<Micros()> now;              ///< null: the system clock
  MetricRegistry* metrics = nullptr;        ///< null: ready lists are not counted
  ListOptions lists;
};

/// Threads: every method from any thread at once; answers are computed on the calling thread, with
/// scratch memory kept per thread, so the path is free of locks held across the model's run.
class Recommender {
 public:
  explicit Recommender(RecommenderParts parts);
  ~Recommender();

  /// Errors: kNotFound (no such scene: names those there are), kInvalidArgument (n, language),
  ///         kUnavailable (the log cannot be read). A model that fails is a fallback, not an error.
  Result<RecommendResponse> Recommend(const RecommendRequest& request) const;
  /// The same into a response whose memory is used again: one that is kept per thread costs no
  /// allocation here. Undefined content after an error.
  Status Recommend(const RecommendRequest& request, RecommendResponse& response) const;

  /// The same, the scene's retriever being `version` whatever its alias says and no rollout counting it.
  Status RecommendBy(const std::shared_ptr<const ServedModel>& version,
                     const RecommendRequest& request, RecommendResponse& response) const;

  /// Errors: as Recommend; kNotFound (neither catalogue nor log knows the item).
  Result<RecommendResponse> Similar(const SimilarRequest& request) const;
  Status Similar(const SimilarRequest& request, RecommendResponse& response) const;

  /// Candidates that may not be shown are left out; those the model does not know come last.
  /// Score: with bids, bid * relevance, relevance = (s - min) / (max - min) over the vocabulary's
  /// scores s of this request; without bids, s.
  /// Errors: as Recommend; kInvalidArgument (no candidate, a bid that is negative or not finite,
  ///         bids on some candidates only).
  Result<RecommendResponse> Rank(const RankRequest& request) const;

  /// Scores the items of a kept answer again, with the version and the history it had. Nothing is
  /// recorded, and what may be shown now plays no part.
  /// Errors: kNotFound (no such impression), kFailedPrecondition (its version is not loaded: says
  ///         which; an answer that another system gave), kInternal (the model fails now).
  Result<Replayed> Replay(std::string_view request_id) const;

  /// Makes a kept answer again, with the version and the history it had, under the catalogue, scene and rules of now,
  /// and says what is not in it. Nothing is recorded.
  /// Errors: those of Replay; kNotFound (no item of that id: named), kInvalidArgument (too much is asked for),
  ///         kFailedPrecondition (a search, or candidates that another system gave: they are not kept).
  Result<Examined> Examine(std::string_view request_id, const AbsenceQuestion& question,
                           std::string_view language) const;

  /// When an answer to this must be there, counted from now, where its scene waits for another server: it may
  /// not be made on a thread that serves others meanwhile. None: it does not wait.
  [[nodiscard]] std::optional<Deadline> WaitsUntil(const RecommendRequest& request) const;
  [[nodiscard]] std::optional<Deadline> WaitsUntil(const RankRequest& request) const;

  /// Drops what is remembered of a user who was erased.
  void Forget(std::string_view subject) const;

 private:
  RecommenderParts parts_;
  std::unique_ptr<AnswerCaches> caches_;
};

}  // namespace vitrine::serve
