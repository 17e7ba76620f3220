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

#include "adapters/files/durable.h"
#include "adapters/onnxruntime/runtime.h"
#include "apps/vitrine/adopt_job.h"
#include "apps/vitrine/application_parts.h"
#include "apps/vitrine/gc_job.h"
#include "apps/vitrine/process_metrics.h"
#include "apps/vitrine/retrain_job.h"
#include "apps/vitrine/server_options.h"
#include "apps/vitrine/simulated_folder.h"
#include "graph/artifact_files.h"
#include "serve/scene_json.h"
#include "serve/served_model.h"
#include "text/chinese_words.h"

namespace vitrine::apps {
namespace {

constexpr std::chrono::seconds kModelsWithin{120};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

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
  recommender = std::make_unique<serve::Recommender>(ServingParts());
  return Status::Ok();
}

serve::RecommenderParts Application::Parts::ServingParts() {
  return {.log = log.get(),
          .models = models.get(),
          .scenes = &scenes,
          .items = &*items,
          .trending = &*trending,
          .explainer = &*explainer,
          .observer = &*seen,
          .outside = &remotes.rankers,
          .traffic = &traffic,
          .now = nullptr,
          .metrics = &metrics,
          .lists = {.bytes = MegabytesOf(settings, "serving.answer_lists_mb")}};
}

Status Application::Parts::OpenRollouts(bool watch) {
  RolloutParts parts{.store = db.get(),
                     .registry = registry.get(),
                     .versions = versions.get(),
                     .models = models.get(),
                     .traffic = &traffic,
                     .serving = ServingParts(),
                     .metrics = &metrics,
                     .on_change =
                         [this](std::string_view id) {
                           seen->OnModelsChanged();
                           changes.Add("rollouts", fmt::format(R"({{"id":"{}"}})", id));
                         },
                     .every = std::chrono::milliseconds(
                         std::max<std::int64_t>(1, settings.Integer("rollout.every_ms"))),
                     .joins = settings.Flag("monitor.enabled"),
                     .frozen = [this](Micros now) { return FreezeAt(*alerts->View(), now); },
                     .approval = settings.Flag("rollout.approval"),
                     .acts = watch};
  ASSIGN_OR_RETURN(rollouts, RolloutOwner::Open(std::move(parts)));
  told.With([this](RolloutOwner*& to) { to = rollouts.get(); });
  services.rollouts = rollouts.get();
  return Status::Ok();
}

Status Application::Parts::OpenServices() {
  search = std::make_unique<CatalogueSearch>(*log, *catalogue, *items, scenes, *observer);
  explaining = std::make_unique<Explaining>(
      Explaining::Parts{log.get(), models.get(), recommender.get(), explainer.get(), registry.get(),
                        directory.Sub("explanations"), LiveEvery(settings)});
  ASSIGN_OR_RETURN(objectives, OpenObjectives(settings, directory.Sub("objectives.json")));
  reports = std::make_unique<MonitorReports>(MonitorReports::Parts{
      *monitor, *log, *history, *objectives, [this] { return seen->Load(); }});
  keeper = std::make_unique<MonitorKeeper>(*monitor, *objectives, *models, remotes.rankers,
                                           *history, directory.path(), KeeperOptionsOf(settings));
  if (settings.Flag("monitor.enabled")) {
    follower = std::make_unique<LogFollower>(*log, *monitor, [this](const data::LogRecord& record) {
      seen->OnRecord(record);
      told.With([&](RolloutOwner* owner) {
        if (owner != nullptr) {
          owner->OnRecord(record);
        }
      });
    });
  }
  const loop::Programs programs = loop::ProgramsBeside("");
  ASSIGN_OR_RETURN(versions, VersionService::Open(*registry, *models, programs, settings,
                                                  directory.Sub("loaded.json"), [this] {
                                                    seen->OnModelsChanged();
                                                    changes.Add("models", R"({"changed":true})");
                                                  }));
  diagnosis = std::make_unique<LiveDiagnosis>(*seen, listening);
  AddProcessMetrics(metrics, *models, *catalogue);
  services = {
      .log = log.get(),
      .recommender = &*recommender,
      .scenes = &scenes,
      .models = &*versions,
      .monitors = &*reports,
      .diagnosis = &*diagnosis,
      .contract = contract->book.get(),
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

// What was interrupted goes on from here, so all that a job calls is there.
Status Application::Parts::OpenJobs() {
  ASSIGN_OR_RETURN(TurnPromotion promotion, TurnPromotionOf(settings, directory.path()));
  const loop::Programs programs = loop::ProgramsBeside("");
  jobs = std::make_unique<JobRunner>(
      *db, directory.Sub("jobs"),
      std::map<std::string, JobBody>{
          {"adopt", AdoptJob(directory.path(), programs, *log)},
          {"explain", explaining->Job(directory.path(), programs, settings)},
          {"gc", GcJob(directory.path(), settings, programs,
                       {.registry = registry.get(),
                        .models = models.get(),
                        .rollouts = db.get(),
                        .audit = services.audit})},
          {"retrain", RetrainJob(directory.path(), settings, programs, *log, *registry, *versions,
                                 {.promotion = std::move(promotion),
                                  .rollouts = rollouts.get(),
                                  .store = db.get(),
                                  .registry = registry.get(),
                                  .scenes = &scenes})}},
      changes);
  services.jobs = jobs.get();
  return Status::Ok();
}

Result<std::unique_ptr<Application>> Application::Start(ApplicationOptions options) {
  ASSIGN_OR_RETURN(DataDirectory directory, DataDirectory::Lock(options.data));
  RETURN_IF_ERROR(CheckClock(options.data));
  auto parts = std::make_unique<Parts>(std::move(directory), std::move(options.settings));
  RETURN_IF_ERROR(parts->OpenStores());
  RETURN_IF_ERROR(parts->OpenServing());
  RETURN_IF_ERROR(parts->OpenServices());
  RETURN_IF_ERROR(parts->OpenAlerts(options.listen));
  RETURN_IF_ERROR(parts->OpenRollouts(options.listen));
  RETURN_IF_ERROR(parts->OpenJobs());
  RETURN_IF_ERROR(parts->OpenSchedules(options.listen));
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
