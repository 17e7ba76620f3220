/// What the routes call. Stages that exist as classes are named themselves; where a route needs
/// several of them together, a port stands here and the program wires it.
/// A null service answers its routes with 503 `not_configured`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"
#include "core/status.h"
#include "data/event_log.h"
#include "loop/job.h"
#include "monitor/alerts/alert_keeper.h"
#include "monitor/contract/contract_book.h"
#include "monitor/windows/window_store.h"
#include "registry/model_version.h"
#include "registry/ports.h"
#include "registry/registry.h"
#include "serve/inference.h"
#include "serve/model_set.h"
#include "serve/outside_rankers.h"
#include "serve/recommend.h"
#include "serve/scene.h"
#include "transport/http/blocking_pool.h"
#include "transport/http/event_stream.h"
#include "transport/http/model_explainer.h"
#include "transport/http/rollout_service.h"

namespace vitrine::http {

/// Versions, aliases and what of them is loaded. Threads: any; methods may block.
class ModelService {
 public:
  virtual ~ModelService() = default;
  /// Newest first; `name` empty for all; `cursor` is the last ref of the page before.
  virtual Result<std::vector<registry::ModelVersion>> List(std::string_view name,
                                                           std::string_view cursor,
                                                           std::size_t limit) const = 0;
  /// "name:number" or an alias. Errors: kNotFound.
  virtual Result<registry::ModelVersion> Find(std::string_view ref_or_alias) const = 0;
  virtual Result<std::map<std::string, registry::VersionRef>> Aliases() const = 0;
  /// State in this server of every version it knows of.
  virtual std::vector<serve::VersionStatus> Loaded() const = 0;
  /// Probes an artifact folder of this machine, registers it and returns the version.
  /// Errors: kNotFound, kInvalidArgument (not an artifact, or the probe failed: says why).
  virtual Result<registry::ModelVersion> Import(const std::string& folder,
                                                const registry::Cause& cause) = 0;
  /// Points an alias at a version and serves it; `champion` is a promotion and keeps `previous`.
  /// Returns once the version answers requests. Errors: kNotFound, kFailedPrecondition (it cannot
  /// be loaded: says why; nothing has changed then).
  virtual Status SetAlias(std::string_view alias, const registry::VersionRef& ref,
                          const registry::Cause& cause) = 0;
  /// Loads a version (`number` 0: the newest that is registered), which stays until it is unloaded or another
  /// of its name is loaded, over restarts too. Errors: kNotFound, kFailedPrecondition (it cannot be loaded: says why).
  virtual Status Load(std::string_view name, std::uint64_t number) = 0;
  /// Lets every version of a name go that no alias needs.
  /// Errors: kNotFound (none is loaded), kFailedPrecondition (an alias needs it: names it).
  virtual Status Unload(std::string_view name) = 0;
  /// champion and previous change places; returns what serves now.
  virtual Result<registry::VersionRef> Rollback(const registry::Cause& cause) = 0;
  /// Newest first, numbers below `before` (0: from the newest).
  virtual Result<std::vector<registry::AuditEntry>> Audit(std::uint64_t before,
                                                          std::size_t limit) const = 0;
};

/// Jobs of the loop. Threads: any; methods may block shortly.
class JobService {
 public:
  virtual ~JobService() = default;
  /// Queues a job; `spec` is JSON. The same `idempotency_key` (not empty) gives the same job.
  /// Errors: kInvalidArgument (unknown kind or spec: names the field), kResourceExhausted.
  virtual Result<loop::Job> Start(std::string_view kind, std::string_view spec,
                                  std::string_view actor, std::string_view idempotency_key) = 0;
  virtual Result<loop::Job> Get(std::string_view id) const = 0;
  virtual Result<std::vector<loop::Job>> List(std::string_view cursor, std::size_t limit) const = 0;
  /// Asks it to stop. Errors: kNotFound, kFailedPrecondition (it has ended).
  virtual Status Cancel(std::string_view id, std::string_view actor) = 0;
  /// Sends the job's log lines after `last_event_id` (empty: from the start) as events `log` and
  /// `progress`, then `end` with the job's state, and closes the stream. Must not block: the stream
  /// is written from the service's own thread.
  virtual void FollowLog(std::string_view id, std::string_view last_event_id,
                         std::shared_ptr<EventStream> stream) = 0;
};

/// What is watched, as JSON objects. Threads: any; may block on reading the log.
class MonitorService {
 public:
  virtual ~MonitorService() = default;
  /// `kind`: "service", "quality", "data", "drift" or "skew". Errors: kNotFound (no such monitor).
  virtual Result<std::string> Report(std::string_view kind) const = 0;
  /// {"points": [...]}, a point for every `step` hours of the range that had answers, oldest first.
  /// `range.kind`: service or quality. Errors: kInvalidArgument (too many rows).
  virtual Result<std::string> History(const monitor::WindowRange& range,
                                      std::int64_t step) const = 0;
};

/// Why something is slow, worse, dead or wrong. Threads: any; may block on reading what is kept.
class DiagnosisService {
 public:
  virtual ~DiagnosisService() = default;
  /// A diagnosis as JSON (monitor/diagnosis/diagnosis_json.h), and where the server listens.
  /// Errors: kInvalidArgument (no such question or language: names those there are).
  virtual Result<std::string> Diagnose(std::string_view question,
                                       std::string_view language) const = 0;
};

/// Everything that changes, for /v1/stream. Threads: any; must not block.
class ChangeFeed {
 public:
  virtual ~ChangeFeed() = default;
  /// Sends changes after `last_event_id` (empty: from now on) until the stream closes.
  virtual void Follow(std::string_view last_event_id, std::shared_ptr<EventStream> stream) = 0;
};

/// One answer of /v1/search.
struct SearchRequest {
  std::string request_id;
  std::string query;
  std::string scene;  ///< empty: "search"
  std::string user_id;
  std::string anonymous_id;
  std::size_t n = 0;
  serve::RequestFilter filter;
  bool personalize = true;
  bool explain = false;
  std::string language = "en";
  Attributes context;
};

/// Query -> ranked items. Threads: any.
class SearchService {
 public:
  virtual ~SearchService() = default;
  /// Errors: kInvalidArgument (empty or too long query, n), kNotFound (scene), kUnavailable (no
  ///         index yet).
  virtual Result<serve::RecommendResponse> Search(const SearchRequest& request) const = 0;
};

/// A kept answer with its reasons, made afterwards. Threads: any; may block on the model.
class AnswerExplainer {
 public:
  virtual ~AnswerExplainer() = default;
  struct Explained {
    Impression impression;
    std::vector<serve::RecommendedItem> items;
    bool same = true;  ///< the version scores the same history as it did then
    serve::Explained explained;
  };
  /// Errors: kNotFound, kFailedPrecondition (its version is not loaded), kInvalidArgument.
  virtual Result<Explained> Explain(std::string_view request_id,
                                    std::string_view language) const = 0;
  /// What is not in it, and why, by the shop of now. Errors: those of serve::Recommender::Examine.
  virtual Result<serve::Examined> Examine(std::string_view request_id,
                                          const serve::AbsenceQuestion& question,
                                          std::string_view language) const = 0;
};

struct Services {
  data::EventLog* log = nullptr;
  const serve::Recommender* recommender = nullptr;
  serve::SceneBook* scenes = nullptr;
  ModelService* models = nullptr;
  RolloutService* rollouts = nullptr;
  JobService* jobs = nullptr;
  MonitorService* monitors = nullptr;
  DiagnosisService* diagnosis = nullptr;
  monitor::AlertKeeper* alerts = nullptr;
  monitor::ContractBook* contract = nullptr;
  ChangeFeed* changes = nullptr;
  SearchService* search = nullptr;
  AnswerExplainer* explainer = nullptr;
  ModelExplainer* model_explainer = nullptr;
  serve::Inference* inference = nullptr;
  MetricRegistry* metrics = nullptr;
  /// Rankers that other servers run; null: none.
  const serve::OutsideRankers* outside = nullptr;
  /// Where answers that wait for one of them are made; null: they are made without it. It must outlive the
  /// HTTP server.
  BlockingPool* outside_pool = nullptr;

  /// Keeps the scenes durably after a change; an error takes the change back.
  std::function<Status(const serve::SceneMap&)> save_scenes;
  /// Audit trail of what routes do themselves (erasures, exports, scene changes).
  std::function<Status(std::string_view actor, std::string_view action, std::string_view subject,
                       std::string_view evidence)>
      audit;
  /// Told what the log does not hear of: rows that were refused (by code), rows that came again, and
  /// answers that another system gave. Any thread; must not block.
  std::function<void(std::string_view code, std::uint64_t rows)> on_rejected;
  std::function<void(std::uint64_t rows)> on_duplicates;
  /// Told of events that the log has taken: who sent them, how many of them were there, when they came.
  std::function<void(std::string_view feed, std::span<const Event> events, std::uint64_t duplicates,
                     Micros now)>
      on_feed;
  std::function<void(const Impression&)> on_external_answer;
  /// What starts turns of the loop by itself, as JSON; null: nothing does.
  std::function<std::string()> retraining;
  /// OK once requests can be answered as they should; else what is still missing.
  std::function<Status()> ready;
  std::function<Micros()> now;  ///< null: the system clock
  std::string data_dir;         ///< named on the start page, to local callers only
  std::string version;          ///< of this program
  /// Where the inference protocol is served over gRPC too; null or empty: nowhere.
  std::function<std::string()> grpc_address;
};

}  // namespace vitrine::http
