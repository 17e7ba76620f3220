// vitrine up, status, doctor.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapters/sqlite/vitrine_db.h"
#include "apps/vitrine/api_session.h"
#include "apps/vitrine/application.h"
#include "apps/vitrine/channels.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/serving_loop.h"
#include "loop/steps.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

Status Up(const CommandLine& line) {
  const std::stop_token stop = StopOnSignals();
  ASSIGN_OR_RETURN(Settings settings, line.LoadSettings());
  ASSIGN_OR_RETURN(const auto application,
                   Application::Start({.data = line.data, .settings = std::move(settings)}));
  return ServeUntilStopped(*application, line, stop);
}

/// One report, or null where it cannot be had.
json Fetch(ApiSession& session, std::string_view target) {
  const auto text = session.Get(target);
  return text.ok() ? json::parse(*text, nullptr, false) : json();
}

std::string Number(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->dump() : "-";
}

/// A line a version and scene whose labels are not in: what is expected of them, and how well that held before.
std::string EstimateLines(const json& quality) {
  std::string text;
  for (const json& row : quality.value("estimates", json::array())) {
    if (row.value("label", "") != "click" || !row["ctr"].is_object()) {
      continue;
    }
    const json& ctr = row["ctr"];
    const json& past = row["past"]["ctr"];
    text += fmt::format(
        "expected  {} in {}: CTR {:.4f} ({:.4f} to {:.4f}) over {} answers without labels yet",
        row.value("model", ""), row.value("scene", ""), ctr.value("mean", 0.0),
        ctr.value("low", 0.0), ctr.value("high", 0.0), Number(row, "answers"));
    if (past["coverage"].is_number()) {
      text += fmt::format("; of {} hours before, {:.0f} % came as said, bias {:+.4f}",
                          Number(past, "hours"), 100 * past.value("coverage", 0.0),
                          past.value("bias", 0.0));
    }
    text += '\n';
  }
  return text;
}

Status ShowStatus(const CommandLine& line) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const json models = Fetch(session, "/v1/aliases");
  const json service = Fetch(session, "/v1/monitors/service");
  const json quality = Fetch(session, "/v1/monitors/quality");
  const json drift = Fetch(session, "/v1/monitors/drift");
  const json alerts = Fetch(session, "/v1/alerts?state=open");
  const json ready = Fetch(session, "/readyz");
  const std::string grpc = ready.is_object() ? ready.value("grpc", "") : "";
  if (line.json) {
    json all = {{"server", session.own() == nullptr ? "running" : "not running"},
                {"models", models},
                {"service", service},
                {"quality", quality},
                {"drift", drift},
                {"alerts", alerts}};
    if (!grpc.empty()) {
      all["grpc_url"] = grpc;
    }
    Print(all.dump(2));
    return Status::Ok();
  }
  std::string text = fmt::format("data      {}\nserver    {}\n", line.data,
                                 session.own() == nullptr ? "running" : "not running: vitrine up");
  if (!grpc.empty()) {
    text += fmt::format("gRPC      {}\n", grpc);
  }
  if (models.is_object() && models.contains("aliases")) {
    if (models["aliases"].empty()) {
      text += "models    none yet: vitrine run PATH --mapping NAME\n";
    }
    for (const auto& [alias, version] : models["aliases"].items()) {
      text += fmt::format("{:<9} {}\n", alias,
                          version.is_string() ? version.get<std::string>() : version.dump());
    }
  }
  if (service.is_object()) {
    text += fmt::format("answers   {} (fallback share {})\n", Number(service, "answers"),
                        Number(service, "fallback_share"));
  }
  if (quality.is_object() && quality.contains("rows")) {
    for (const json& row : quality["rows"]) {
      text += fmt::format("quality   {} in {}: CTR {} over {} answers\n", row.value("model", ""),
                          row.value("scene", ""), Number(row, "ctr"), Number(row, "answers"));
    }
    text += EstimateLines(quality);
  }
  if (drift.is_object() && drift.contains("models")) {
    for (const json& model : drift["models"]) {
      text += fmt::format("drift     {}: {} of {} features moved\n", model.value("model", ""),
                          Number(model, "drifted"), Number(model, "judged"));
    }
  }
  if (alerts.is_object() && alerts.contains("alerts")) {
    for (const json& alert : alerts["alerts"]) {
      text +=
          fmt::format("alert     {} {}\n", alert.value("severity", ""), alert.value("text", ""));
    }
  }
  Print(text);
  return Status::Ok();
}

struct Check {
  std::string what;
  Status status;
};

Status Doctor(const CommandLine& line) {
  std::vector<Check> checks;
  const loop::Programs programs = loop::ProgramsBeside("");
  std::error_code error;
  for (const std::string& program : {programs.lake, programs.trainer}) {
    checks.push_back({program, std::filesystem::exists(program, error)
                                   ? Status::Ok()
                                   : NotFound("it is not there; build it or reinstall Vitrine")});
  }
  const Result<Settings> settings = line.LoadSettings();
  checks.push_back({"settings", settings.status()});
  if (settings.ok() && !settings->Channels().empty()) {
    checks.push_back({"alert channels", OpenChannels(*settings).status()});
  }
  const auto space =
      std::filesystem::space(std::filesystem::exists(line.data, error) ? line.data : ".", error);
  checks.push_back({"disk", error || space.available > (std::uint64_t{1} << 30)
                                ? Status::Ok()
                                : ResourceExhausted("less than 1 GiB is free")});
  if (DataDirectory::Held(line.data)) {
    auto session = ApiSession::Open(line);
    checks.push_back(
        {"server", session.ok() ? session->Get("/readyz").status() : session.status()});
  } else if (std::filesystem::exists(line.data + "/vitrine.db", error)) {
    const auto db = sqlite::VitrineDb::Open(line.data + "/vitrine.db");
    checks.push_back({"registry", db.ok() ? (*db)->IntegrityCheck() : db.status()});
    checks.push_back({"audit log", db.ok() ? (*db)->VerifyAudit() : db.status()});
  }
  Status worst;
  std::string text;
  json list = json::array();
  for (const Check& check : checks) {
    worst = worst.ok() ? check.status : worst;
    text += fmt::format("{}  {}{}\n", check.status.ok() ? "ok  " : "FAIL", check.what,
                        check.status.ok() ? "" : ": " + check.status.message());
    list.push_back(
        {{"check", check.what}, {"ok", check.status.ok()}, {"message", check.status.message()}});
  }
  Print(line.json ? json({{"checks", list}}).dump(2) : text);
  return worst;
}

}  // namespace

void AddServerCommands(CLI::App& app, CommandLine& line) {
  app.add_subcommand("up", "Start the server on the data directory")->callback([&line] {
    line.run = [&line] { return Up(line); };
  });
  app.add_subcommand("status", "What serves, how well, and what moved")->callback([&line] {
    line.run = [&line] { return ShowStatus(line); };
  });
  app.add_subcommand("doctor", "Check programs, settings, disk and the data directory")
      ->callback([&line] { line.run = [&line] { return Doctor(line); }; });
}

}  // namespace vitrine::apps
