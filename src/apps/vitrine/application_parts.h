/// The insides of Application, shared by its files.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/files/artifact_store.h"
#include "adapters/rocksdb/rocks_event_log.h"
#include "adapters/sqlite/monitor_db.h"
#include "adapters/sqlite/vitrine_db.h"
#include "apps/vitrine/alerting.h"
#include "apps/vitrine/application.h"
#include "apps/vitrine/change_log.h"
#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/diagnosing.h"
#include "apps/vitrine/explaining.h"
#include "apps/vitrine/job_service.h"
#include "apps/vitrine/kept_contract.h"
#include "apps/vitrine/live_evidence.h"
#include "apps/vitrine/log_follower.h"
#include "apps/vitrine/model_service.h"
#include "apps/vitrine/objectives.h"
#include "apps/vitrine/remotes.h"
#include "apps/vitrine/retraining.h"
#include "apps/vitrine/rollouts.h"
#include "apps/vitrine/shop_services.h"
#include "apps/vitrine/tracing.h"
#include "apps/vitrine/watching.h"
#include "core/guarded.h"
#include "core/metrics.h"
#include "explain/explain.h"
#include "loop/job_schedule.h"
#include "search/live_catalogue.h"
#include "serve/inference.h"
#include "serve/item_states.h"
#include "serve/model_set.h"
#include "serve/recommend.h"
#include "serve/scene.h"
#include "serve/traffic.h"
#include "serve/trending.h"
#include "transport/grpc/server.h"
#include "transport/http/auth.h"
#include "transport/http/router.h"
#include "transport/http/server.h"
#include "transport/http/services.h"

namespace vitrine::apps {

/// Members are made in this order and die in the reverse one: whoever calls somebody stands below.
struct Application::Parts {
  Parts(DataDirectory dir, Settings s) : directory(std::move(dir)), settings(std::move(s)) {}
  ~Parts() {
    told.With([](RolloutOwner*& to) { to = nullptr; });
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

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
  serve::Traffic traffic;
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
  Guarded<RolloutOwner*> told{nullptr};  ///< by the follower, which is there before it
  std::unique_ptr<LogFollower> follower;
  std::unique_ptr<AlertFiles> alert_files;
  std::unique_ptr<monitor::AlertKeeper> alerts;
  std::unique_ptr<VersionService> versions;
  std::unique_ptr<RolloutOwner> rollouts;
  std::unique_ptr<JobRunner> jobs;
  serve::RetrievalOptions retrieval;
  std::unique_ptr<loop::RetrainWatch> retraining;
  std::unique_ptr<loop::JobSchedule> gc;
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
  /// What answers are made of.
  serve::RecommenderParts ServingParts();
  Status OpenRollouts(bool watch);  ///< false: a command that borrows the directory
  Status LoadScenes();
  Result<std::shared_ptr<const serve::Servable>> LoadModel(const std::string& version,
                                                           const std::string& folder);
  Status OpenServices();
  Status OpenJobs();
  Status OpenAlerts(bool watch);     ///< false: a command that borrows the directory
  Status OpenSchedules(bool watch);  ///< of turns, and of what tidies up
  Status Listen(bool publicly);
  Status ListenForGrpc(const http::Listener& listener);
};

}  // namespace vitrine::apps
