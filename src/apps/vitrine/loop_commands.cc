// vitrine run, retrain, gc, job list|show|cancel|follow.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/application.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/job_following.h"
#include "apps/vitrine/lake_child.h"
#include "apps/vitrine/serving_loop.h"
#include "core/exit_code.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct LoopFlags {
  std::vector<std::string> paths;
  std::string mapping;
  std::vector<std::string> specs;
  std::string protocol;
  std::string alias;
  bool no_promote = false;
  bool when = false;
  bool no_serve = false;
  std::optional<std::int64_t> versions, snapshots, days;
  bool dry_run = false;
  std::string job;
};

std::string SpecOf(const LoopFlags& flags) {
  json spec = json::object();
  if (!flags.specs.empty()) {
    spec["specs"] = flags.specs;
  }
  if (!flags.protocol.empty()) {
    spec["protocol"] = flags.protocol;
  }
  if (!flags.alias.empty()) {
    spec["alias"] = flags.alias;
  }
  if (flags.no_promote) {
    spec["promote"] = false;
  }
  return spec.dump();
}

Status ShowOutcome(const std::string& result, const CommandLine& line) {
  const json outcome = json::parse(result);
  if (!outcome["verdict"].value("pass", false)) {
    line.outcome = kExitGateFailed;
  }
  Print(line.json ? outcome.dump(2) : outcome.value("text", ""));
  return Status::Ok();
}

/// What starts turns by itself, and what it saw last.
Status ShowRetraining(ApiSession& session, const CommandLine& line) {
  ASSIGN_OR_RETURN(const std::string answer, session.Get("/v1/retraining"));
  if (line.json) {
    Print(answer);
    return Status::Ok();
  }
  const json view = json::parse(answer);
  const auto text_of = [&view](const char* field, const char* otherwise) {
    return view[field].is_string() ? view[field].get<std::string>() : std::string(otherwise);
  };
  if (view["looked"].is_null()) {
    Print(
        "No turn starts by itself. Set retrain.schedule (\"0 4 * * *\") or retrain.triggers "
        "(quality, drift, volume, catalogue), or start one: vitrine retrain");
    return Status::Ok();
  }
  std::string triggers;
  for (const json& trigger : view["triggers"]) {
    triggers += (triggers.empty() ? "" : ", ") + trigger.get<std::string>();
  }
  std::string text = fmt::format("schedule  {} (next {})\ntriggers  {}\nlooked    {}: {}\n",
                                 text_of("schedule", "none"), text_of("next", "never"),
                                 triggers.empty() ? "none" : triggers, text_of("looked", ""),
                                 view["decision"].value("reason", ""));
  for (const json& held : view["held"]) {
    text +=
        fmt::format("held      {} since {}\n", held.value("cause", ""), held.value("since", ""));
  }
  if (view["error"].is_string()) {
    text += fmt::format("error     {}\n", text_of("error", ""));
  }
  Print(text);
  return Status::Ok();
}

Status Retrain(const CommandLine& line, const LoopFlags& flags) {
  const std::stop_token stop = StopOnSignals();
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  if (flags.when) {
    return ShowRetraining(session, line);
  }
  ASSIGN_OR_RETURN(const std::string result,
                   RunJob(session, "retrain", SpecOf(flags), line.json, stop));
  return ShowOutcome(result, line);
}

Status CollectGarbage(const CommandLine& line, const LoopFlags& flags) {
  const std::stop_token stop = StopOnSignals();
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  json spec = {{"dry_run", flags.dry_run}};
  for (const auto& [name, value] : {std::pair("versions", flags.versions),
                                    {"snapshots", flags.snapshots},
                                    {"days", flags.days}}) {
    if (value) {
      spec[name] = *value;
    }
  }
  ASSIGN_OR_RETURN(const std::string result, RunJob(session, "gc", spec.dump(), line.json, stop));
  const json outcome = json::parse(result);
  Print(line.json ? outcome.dump(2) : outcome.value("text", ""));
  return Status::Ok();
}

/// Files in, everything else by jobs of the server: the running one, or one that stays.
Status RunWhole(const CommandLine& line, const LoopFlags& flags) {
  const std::stop_token stop = StopOnSignals();
  std::vector<std::string> arguments = {"import"};
  arguments.insert(arguments.end(), flags.paths.begin(), flags.paths.end());
  arguments.insert(arguments.end(), {"--mapping", flags.mapping});
  ASSIGN_OR_RETURN(const std::string imported, RunLake(line, std::move(arguments), stop));
  if (!line.json) {
    Print(imported);
  }
  const bool held = DataDirectory::Held(line.data);
  std::unique_ptr<Application> own;
  if (!held) {
    ASSIGN_OR_RETURN(Settings settings, line.LoadSettings());
    ASSIGN_OR_RETURN(
        own, Application::Start(
                 {.data = line.data, .settings = std::move(settings), .listen = !flags.no_serve}));
    RETURN_IF_ERROR(own->WaitUntilReady(After(std::chrono::seconds(60))));
  }
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  json spec = json::parse(SpecOf(flags));
  spec["refit"] = false;  // a first model is exactly the one whose figures are shown
  ASSIGN_OR_RETURN(const std::string result,
                   RunJob(session, "retrain", spec.dump(), line.json, stop));
  RETURN_IF_ERROR(RunJob(session, "adopt", "{}", line.json, stop).status());
  RETURN_IF_ERROR(ShowOutcome(result, line));
  if (own == nullptr || flags.no_serve) {
    return Status::Ok();
  }
  return ServeUntilStopped(*own, line, stop);
}

Status ListJobs(const CommandLine& line, const LoopFlags& /*flags*/) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Get("/v1/jobs?limit=50"));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  std::string out;
  for (const json& job : json::parse(text).value("jobs", json::array())) {
    out +=
        fmt::format("{:<12} {:<10} {:<10} {:<22} {}\n", job.value("id", ""), job.value("kind", ""),
                    job.value("state", ""), job.value("created", ""), job.value("error", ""));
  }
  Print(out.empty() ? "No job yet. Start one with: vitrine retrain" : out);
  return Status::Ok();
}

Status ShowJob(const CommandLine& line, const LoopFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Get("/v1/jobs/" + http::PercentEncode(flags.job)));
  Print(json::parse(text).dump(2));
  return Status::Ok();
}

Status CancelJob(const CommandLine& line, const LoopFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  RETURN_IF_ERROR(
      session.Post("/v1/jobs/" + http::PercentEncode(flags.job) + ":cancel", "{}").status());
  Print(fmt::format("{} is asked to stop", flags.job));
  return Status::Ok();
}

Status Follow(const CommandLine& line, const LoopFlags& flags) {
  const std::stop_token stop = StopOnSignals();
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string result, FollowJob(session, flags.job, line.json, stop));
  Print(json::parse(result).dump(2));
  return Status::Ok();
}

}  // namespace

void AddLoopCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<LoopFlags>();
  const auto bind = [flags, &line](CLI::App* verb, auto run) {
    verb->callback(
        [run, flags, &line] { line.run = [run, flags, &line] { return run(line, *flags); }; });
    return verb;
  };
  const auto training = [flags](CLI::App* verb) {
    verb->add_option("--spec", flags->specs,
                     "Models to fit: ready specs or files; default: "
                     "train.specs");
    verb->add_option("--protocol", flags->protocol, "How they are judged; default: train.protocol");
    verb->add_flag("--no-promote", flags->no_promote, "Judge only; what serves stays");
  };
  CLI::App* run =
      bind(app.add_subcommand("run", "Your files in, a tested model out, and serve it"), RunWhole);
  run->add_option("PATH", flags->paths, "Files, or the folder of a data set")->required();
  run->add_option("--mapping", flags->mapping, "A ready mapping's name, or a file")->required();
  run->add_flag("--no-serve", flags->no_serve, "Stop when the model is deployed");
  training(run);
  CLI::App* retrain = bind(
      app.add_subcommand("retrain", "Next snapshot, new candidates, gate, promotion"), Retrain);
  training(retrain);
  retrain->add_flag("--when", flags->when,
                    "Start nothing: say when the next turn starts by itself, and why not now");
  retrain->add_option(
      "--alias", flags->alias,
      "Alias that the winner gets; default: champion, of labelled protocols ranker");
  CLI::App* gc = bind(
      app.add_subcommand("gc", "Remove files of old versions, and snapshots, that nothing needs"),
      CollectGarbage);
  gc->add_option("--versions", flags->versions,
                 "Newest versions of each model that keep theirs; default: gc.versions");
  gc->add_option("--snapshots", flags->snapshots,
                 "Newest snapshots that stay; default: gc.snapshots");
  gc->add_option("--days", flags->days, "Younger ones stay; default: gc.days");
  gc->add_flag("--dry-run", flags->dry_run, "Remove nothing: say what would go");
  CLI::App* job = app.add_subcommand("job", "Jobs of the loop");
  job->require_subcommand(1);
  bind(job->add_subcommand("list", "Newest first"), ListJobs);
  for (const auto& [name, what, verb] :
       {std::tuple("show", "One job", &ShowJob),
        std::tuple("cancel", "Ask a job to stop", &CancelJob),
        std::tuple("follow", "Its progress to the end", &Follow)}) {
    bind(job->add_subcommand(name, what), verb)
        ->add_option("job", flags->job, "Its id")
        ->required();
  }
}

}  // namespace vitrine::apps
