// How the application is reached, and whom it calls.
#include <optional>
#include <utility>

#include "apps/vitrine/application_parts.h"
#include "apps/vitrine/file_limit.h"
#include "apps/vitrine/gc_job.h"
#include "apps/vitrine/server_options.h"
#include "transport/http/routes.h"

namespace vitrine::apps {

Status Application::Parts::OpenAlerts(bool watch) {
  alert_files = std::make_unique<AlertFiles>(directory.path());
  ASSIGN_OR_RETURN(const std::chrono::minutes quality, QualityWindow(settings));
  ASSIGN_OR_RETURN(alerts, OpenAlerting(settings,
                                        SignalsOf(*monitor, *log, remotes, *explaining, *objectives,
                                                  metrics, quality),
                                        *alert_files, metrics, watch));
  services.alerts = alerts.get();
  return Status::Ok();
}

Status Application::Parts::OpenSchedules(bool watch) {
  ASSIGN_OR_RETURN(retraining, OpenRetraining(settings,
                                              {.data = directory.path(),
                                               .registry = registry.get(),
                                               .models = models.get(),
                                               .catalogue = catalogue.get(),
                                               .monitor = monitor.get(),
                                               .log = log.get(),
                                               .alerts = alerts.get(),
                                               .jobs = jobs.get(),
                                               .rollouts = db.get(),
                                               .audit = services.audit},
                                              watch));
  if (watch) {
    ASSIGN_OR_RETURN(gc, OpenGcSchedule(settings, *jobs));
  }
  services.retraining = [this] { return RetrainingJson(settings, *retraining); };
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

}  // namespace vitrine::apps
