#include "apps/vitrine/application.h"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/files/artifact_store.h"
#include "adapters/files/durable.h"
#include "adapters/onnxruntime/runtime.h"
#include "adapters/rocksdb/rocks_event_log.h"
#include "adapters/sqlite/monitor_db.h"
#include "adapters/sqlite/vitrine_db.h"
#include "apps/vitrine/adopt_job.h"
#include "apps/vitrine/alerting.h"
#include "apps/vitrine/change_log.h"
#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/diagnosing.h"
#include "apps/vitrine/explaining.h"
#include "apps/vitrine/file_limit.h"
#include "apps/vitrine/job_service.h"
#include "apps/vitrine/kept_contract.h"
#include "apps/vitrine/live_evidence.h"
#include "apps/vitrine/log_follower.h"
#include "apps/vitrine/model_service.h"
#include "apps/vitrine/objectives.h"
#include "apps/vitrine/process_metrics.h"
#include "apps/vitrine/remotes.h"
#include "apps/vitrine/retrain_job.h"
#include "apps/vitrine/server_options.h"
#include "apps/vitrine/shop_services.h"
#include "apps/vitrine/tracing.h"
#include "apps/vitrine/watching.h"
#include "core/guarded.h"
#include "explain/explain.h"
#include "graph/artifact_files.h"
#include "search/live_catalogue.h"
#include "serve/inference.h"
#include "serve/item_states.h"
#include "serve/model_set.h"
#include "serve/recommend.h"
#include "serve/scene.h"
#include "serve/scene_json.h"
#include "serve/served_model.h"
#include "serve/trending.h"
#include "text/chinese_words.h"
#include "transport/grpc/server.h"
#include "transport/http/auth.h"
#include "transport/http/router.h"
#include "transport/http/routes.h"

namespace vitrine::apps {
namespace {

constexpr std::chrono::seconds kModelsWithin{120};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

/// Members are made in this order and die in the reverse one: whoever calls somebody stands below.
struct Application::Parts {
  Parts(DataDirectory dir, Settings s) : directory(std::move(dir)), settings(std::move(s)) {}

  DataDirectory directory;
  Settings settings;
  MetricRegistry metrics;
  Tracing tracing;
  ChangeLog changes;
  std::unique_ptr<sqlite::VitrineDb> db;
  std::unique_ptr<files::FileArtifactStore> artifacts;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<adapters::RocksEventLog> log;
  std::unique_ptr<serve::ModelRuntime> runtime;
  std::unique_ptr<serve::ItemStates> items;
  std::unique_ptr<serve::Trending> trending;
  std::unique_ptr<search::LiveCatalogue> catalogue;
  std::unique_ptr<monitor::OnlineMonitor> monitor;
  std::unique_ptr<KeptContract> contract;
  std::unique_ptr<sqlite::MonitorDb> history;
  std::unique_ptr<MonitorObserver> observer;
  serve::SceneBook scenes;
  std::unique_ptr<serve::ModelSet> models;
  Remotes remotes;  // its threads are needed as long as the server lives
  std::unique_ptr<serve::Inference> inference;
  std::unique_ptr<LiveEvidence> seen;
  std::unique_ptr<explain::ScoreExplainer> explainer;
  std::unique_ptr<serve::Recommender> recommender;
  std::unique_ptr<CatalogueSearch> search;
  std::unique_ptr<Explaining> explaining;
  std::unique_ptr<monitor::ObjectiveWatch> objectives;
  std::unique_ptr<MonitorReports> reports;
  std::unique_ptr<MonitorKeeper> keeper;
  std::unique_ptr<LogFollower> follower;
  std::unique_ptr<AlertFiles> alert_files;
  std::unique_ptr<monitor::AlertKeeper> alerts;
  std::unique_ptr<VersionService> versions;
  std::unique_ptr<JobRunner> jobs;
  serve::RetrievalOptions retrieval;
  std::unique_ptr<LiveDiagnosis> diagnosis;
  Guarded<std::string> grpc_address;            ///< empty until it listens
  Guarded<std::vector<std::string>> listening;  ///< where others reach it
  http::Services services;
  std::unique_ptr<http::Authorizer> authorizer;
  std::unique_ptr<http::Router> router;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<rpc::Server> grpc;

  Status OpenStores();
  Status OpenServing();
  Status LoadScenes();
  Result<std::shared_ptr<const serve::Servable>> LoadModel(const std::string& version,
                                                           const std::string& folder);
  Status OpenServices();
  Status OpenAlerts(bool watch);  ///< false: a command that borrows the directory
  Status Listen(bool publicly);
  Status ListenForGrpc(const http::Listener& listener);
};

Status Application::Parts::OpenStores() {
  ASSIGN_OR_RETURN(db, sqlite::VitrineDb::Open(directory.Sub("vitrine.db")));
  ASSIGN_OR_RETURN(history, sqlite::MonitorDb::Open(directory.Sub("monitor.db")));
  ASSIGN_OR_RETURN(files::FileArtifactStore store,
                   files::FileArtifactStore::Open(directory.Sub("artifacts")));
  artifacts = std::make_unique<files::FileArtifactStore>(std::move(store));
  registry = std::make_unique<registry::Registry>(*db, *artifacts);
  adapters::RocksEventLogOptions options;
  options.user_state_bytes = MegabytesOf(settings, "serving.user_cache_mb");
  options.metrics = &metrics;
  ASSIGN_OR_RETURN(log, adapters::RocksEventLog::Open(directory.Sub("log"), options));
  ASSIGN_OR_RETURN(const adapters::ExecutionProvider provider,
                   adapters::ParseExecutionProvider(settings.Text("inference.provider")));
  ASSIGN_OR_RETURN(runtime, adapters::MakeOnnxRuntime(provider));
  return Status::Ok();
}

Status Application::Parts::LoadScenes() {
  const std::string text = ReadFile(directory.Sub("scenes.json"));
  if (text.empty()) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const serve::SceneMap kept, serve::ScenesFromJson(text));
  for (const auto& [name, scene] : kept) {
    RETURN_IF_ERROR(scenes.Put(*scene));
  }
  return Status::Ok();
}

Result<std::shared_ptr<const serve::Servable>> Application::Parts::LoadModel(
    const std::string& version, const std::string& folder) {
  ASSIGN_OR_RETURN(graph::Artifact artifact, graph::OpenArtifact(folder));
  if (!ServesScenes(artifact.manifest.kind)) {
    ASSIGN_OR_RETURN(auto graph, runtime->Load(artifact.PathOf(graph::kModelFile), {}));
    return serve::Servable::Make(version, std::move(artifact.manifest), std::move(graph),
                                 settings.Integer("inference.batch_rows"));
  }
  ASSIGN_OR_RETURN(serve::ModelParts parts, serve::ReadModelParts(std::move(artifact), *runtime));
  monitor->Watch({.model = version,
                  .values = data::ServedValues(parts.spec),
                  .references = parts.manifest.references,
                  .vocabulary_size = parts.manifest.vocabulary_size});
  ASSIGN_OR_RETURN(auto model,
                   serve::ServedModel::Make(version, std::move(parts), *log, *items, 1, retrieval));
  return std::shared_ptr<const serve::Servable>(std::move(model));
}

Status Application::Parts::OpenServing() {
  ASSIGN_OR_RETURN(retrieval, RetrievalOptionsOf(settings));
  if (const std::string& folder = settings.Text("search.chinese_dictionary"); !folder.empty()) {
    text::SetChineseDictionary(folder);
  }
  items = std::make_unique<serve::ItemStates>(*log);
  trending = std::make_unique<serve::Trending>(*log);
  catalogue = std::make_unique<search::LiveCatalogue>(*log);
  monitor = std::make_unique<monitor::OnlineMonitor>(MonitorOptionsOf(settings), &metrics);
  if (const std::string kept = ReadFile(directory.Sub("monitor.json")); !kept.empty()) {
    // A file that cannot be read costs the drift windows of the last hours, not the start; labels are joined anew.
    static_cast<void>(monitor->Load(kept));
  }
  ASSIGN_OR_RETURN(contract, OpenContract(directory.Sub("contract"), *monitor, *log));
  observer = std::make_unique<MonitorObserver>(*monitor, settings.Flag("monitor.enabled"));
  log->SetListener([this](const data::LogRecord& record) {
    items->Apply(record);
    trending->Apply(record);
    catalogue->Apply(record);
    if (const auto* erased = std::get_if<data::UserErasure>(&record.body);
        erased != nullptr && recommender != nullptr) {
      recommender->Forget(erased->subject);
    }
  });
  RETURN_IF_ERROR(items->LoadCatalogue());
  RETURN_IF_ERROR(catalogue->Load());
  RETURN_IF_ERROR(LoadScenes());
  models = std::make_unique<serve::ModelSet>(
      [this](const std::string& version, const std::string& folder) {
        return LoadModel(version, folder);
      });
  inference = std::make_unique<serve::Inference>(*models, InferenceOptionsOf(settings));
  ASSIGN_OR_RETURN(remotes, OpenRemotes(settings, *log, *items, metrics));
  for (const auto& [name, ranker] : remotes.rankers.all()) {
    monitor->Watch({.model = name,
                    .values = data::ServedValues(ranker->spec()),
                    .references = {},
                    .vocabulary_size = ranker->vocabulary().ids().size()});
  }
  seen = std::make_unique<LiveEvidence>(
      EvidenceSources{&*monitor, &*log, &*registry, &*models, &scenes, &*inference, &metrics,
                      settings.Flag("monitor.enabled")},
      *observer);
  explainer = std::make_unique<explain::ScoreExplainer>(*log);
  const serve::ListOptions lists{.bytes = MegabytesOf(settings, "serving.answer_lists_mb")};
  recommender =
      std::make_unique<serve::Recommender>(serve::RecommenderParts{.log = log.get(),
                                                                   .models = models.get(),
                                                                   .scenes = &scenes,
                                                                   .items = &*items,
                                                                   .trending = &*trending,
                                                                   .explainer = &*explainer,
                                                                   .observer = &*seen,
                                                                   .outside = &remotes.rankers,
                                                                   .now = nullptr,
                                                                   .metrics = &metrics,
                                                                   .lists = lists});
  return Status::Ok();
}

Status Application::Parts::OpenServices() {
  search = std::make_unique<CatalogueSearch>(*log, *catalogue, *items, scenes, *observer);
  explaining = std::make_unique<Explaining>(
      Explaining::Parts{log.get(), models.get(), recommender.get(), explainer.get(), registry.get(),
                        directory.Sub("explanations"), LiveEvery(settings)});
  ASSIGN_OR_RETURN(objectives, OpenObjectives(settings, directory.Sub("objectives.json")));
  reports = std::make_unique<MonitorReports>(*monitor, *log, *history, *objectives);
  keeper = std::make_unique<MonitorKeeper>(*monitor, *objectives, *models, remotes.rankers,
                                           *history, directory.path(), KeeperOptionsOf(settings));
  if (settings.Flag("monitor.enabled")) {
    follower = std::make_unique<LogFollower>(
        *log, *monitor, [this](const data::LogRecord& record) { seen->OnRecord(record); });
  }
  const loop::Programs programs = loop::ProgramsBeside("");
  ASSIGN_OR_RETURN(versions, VersionService::Open(*registry, *models, programs, settings,
                                                  directory.Sub("loaded.json"), [this] {
                                                    seen->OnModelsChanged();
                                                    changes.Add("models", R"({"changed":true})");
                                                  }));
  jobs = std::make_unique<JobRunner>(
      *db, directory.Sub("jobs"),
      std::map<std::string, JobBody>{
          {"adopt", AdoptJob(directory.path(), programs, *log)},
          {"explain", explaining->Job(directory.path(), programs, settings)},
          {"retrain",
           RetrainJob(directory.path(), settings, programs, *log, *registry, *versions)}},
      changes);
  diagnosis = std::make_unique<LiveDiagnosis>(*seen, listening);
  AddProcessMetrics(metrics, *models, *catalogue);
  services = {
      .log = log.get(),
      .recommender = &*recommender,
      .scenes = &scenes,
      .models = &*versions,
      .jobs = &*jobs,
      .monitors = &*reports,
      .contract = contract->book.get(),
      .diagnosis = &*diagnosis,
      .changes = &changes,
      .search = &*search,
      .explainer = &*explaining,
      .model_explainer = &*explaining,
      .inference = &*inference,
      .metrics = &metrics,
      .outside = &remotes.rankers,
      .outside_pool = remotes.pool.get(),
      .save_scenes =
          [this](const serve::SceneMap& kept) {
            return files::WriteDurably(directory.Sub("scenes.json"), serve::ScenesToJson(kept));
          },
      .audit =
          [this](std::string_view actor, std::string_view action, std::string_view subject,
                 std::string_view evidence) {
            return db->AppendAudit({.time = Now(),
                                    .actor = std::string(actor),
                                    .action = std::string(action),
                                    .subject = std::string(subject),
                                    .evidence = std::string(evidence),
                                    .hash = {}});
          },
      .on_rejected = [this](std::string_view code,
                            std::uint64_t rows) { monitor->OnRejected(code, rows); },
      .on_duplicates = [this](std::uint64_t rows) { monitor->OnDuplicates(rows); },
      .on_feed = std::bind_front(&monitor::OnlineMonitor::OnFeed, monitor.get()),
      .on_external_answer =
          [this](const Impression& impression) { observer->OnImpression(impression, true); },
      .ready = [this] { return models->WaitUntilServing(std::chrono::steady_clock::now()); },
      .now = nullptr,
      .data_dir = directory.path(),
      .version = VITRINE_VERSION,
      .grpc_address =
          [this] { return grpc_address.With([](const std::string& address) { return address; }); }};
  return Status::Ok();
}

Status Application::Parts::OpenAlerts(bool watch) {
  alert_files = std::make_unique<AlertFiles>(directory.path());
  ASSIGN_OR_RETURN(
      alerts,
      OpenAlerting(settings, SignalsOf(*monitor, *log, remotes, *explaining, *objectives, metrics),
                   *alert_files, metrics, watch));
  services.alerts = alerts.get();
  return Status::Ok();
}

Status Application::Parts::Listen(bool publicly) {
  RaiseFileLimit();
  http::ServerOptions options;
  options.listeners = {
      {.kind = http::Listener::Kind::kUnix, .address = DataDirectory::SocketOf(directory.path())}};
  std::vector<http::Listener> reached = options.listeners;
  std::optional<http::Listener> grpc_listener;
  if (publicly) {
    ASSIGN_OR_RETURN(const http::Listener listener,
                     ParseListener("server.listen", settings.Text("server.listen")));
    options.listeners.insert(options.listeners.begin(), listener);
    reached.push_back(listener);
    if (const std::string& text = settings.Text("server.grpc_listen"); !text.empty()) {
      ASSIGN_OR_RETURN(grpc_listener, ParseListener("server.grpc_listen", text));
      reached.push_back(*grpc_listener);
    }
    ASSIGN_OR_RETURN(tracing, OpenTracing(settings, metrics));
  }
  options.io_threads = static_cast<std::size_t>(settings.Integer("server.threads"));
  options.max_connections = static_cast<std::size_t>(settings.Integer("server.max_connections"));
  options.metrics = &metrics;
  ASSIGN_OR_RETURN(const auto keys, db->ListKeys());
  ASSIGN_OR_RETURN(const http::AuthMode mode,
                   http::DecideAuth(settings.Flag("server.require_keys"), reached, !keys.empty()));
  authorizer = std::make_unique<http::Authorizer>(mode, db.get());
  router = std::make_unique<http::Router>(
      http::ApiRoutes(services), *authorizer,
      http::RouterOptions{.allowed_hosts = settings.List("server.hosts"),
                          .allowed_origins = {},
                          .metrics = &metrics,
                          .trace = tracing.options()});
  ASSIGN_OR_RETURN(server, http::Server::Start(std::move(options), *router));
  listening.With([this](auto& all) { all = ListenerTexts(server->listeners()); });
  return grpc_listener ? ListenForGrpc(*grpc_listener) : Status::Ok();
}

Status Application::Parts::ListenForGrpc(const http::Listener& listener) {
  rpc::ServerOptions options;
  options.listener = listener;
  options.threads = static_cast<std::size_t>(settings.Integer("server.threads"));
  options.metrics = &metrics;
  ASSIGN_OR_RETURN(grpc, rpc::Server::Start(options, services, *authorizer));
  grpc_address.With([this](std::string& address) { address = grpc->address(); });
  return Status::Ok();
}

Result<std::unique_ptr<Application>> Application::Start(ApplicationOptions options) {
  ASSIGN_OR_RETURN(DataDirectory directory, DataDirectory::Lock(options.data));
  auto parts = std::make_unique<Parts>(std::move(directory), std::move(options.settings));
  RETURN_IF_ERROR(parts->OpenStores());
  RETURN_IF_ERROR(parts->OpenServing());
  RETURN_IF_ERROR(parts->OpenServices());
  RETURN_IF_ERROR(parts->OpenAlerts(options.listen));
  RETURN_IF_ERROR(parts->Listen(options.listen));
  return std::unique_ptr<Application>(new Application(std::move(parts)));
}

Application::Application(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Application::~Application() {
  if (parts_ && parts_->server) {
    static constexpr std::chrono::seconds kWithin{5};
    parts_->alerts->EndTests();  // each holds a thread of the server until its channel answers
    const std::jthread grpc([this] {
      if (parts_->grpc) {
        parts_->grpc->Stop(kWithin);
      }
    });
    parts_->server->Stop(kWithin);
    // Its last task may hold a connection, which belongs to an I/O context of the server.
    if (parts_->remotes.pool != nullptr) {
      parts_->remotes.pool->Stop();
    }
  }
  if (parts_) {
    parts_->log->SetListener(nullptr);
  }
}

std::string Application::url() const {
  return http::ListenerName(parts_->server->listeners().front());
}

std::string Application::grpc_address() const { return parts_->services.grpc_address(); }

Status Application::WaitUntilReady(Deadline deadline) {
  return parts_->versions->Synchronise(std::min(deadline, After(kModelsWithin)));
}

Status Application::WaitUntilLoaded(Deadline deadline) {
  RETURN_IF_ERROR(WaitUntilReady(deadline));
  return parts_->models->WaitUntilReached(std::min(deadline, After(kModelsWithin)));
}

}  // namespace vitrine::apps
