#include "bench/month_server.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/check.h"
#include "data/timestamp.h"
#include "loop/child_process.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

/// What a moment may set off, a turn of the loop included.
constexpr std::chrono::minutes kWithin{10};

std::string Program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().string() +
         "/vitrine";
}

}  // namespace

MonthServer::MonthServer(const std::string& folder, const std::vector<std::string>& settings,
                         Micros now, Micros day0)
    : data_(folder + "/data"), day0_(day0) {
  const std::string file = folder + "/clock";
  auto clock = files::SimulatedClock::Create(file, now);
  CHECK(clock.ok());
  clock_ = *std::move(clock);
  CHECK(files::FollowSimulatedClock(file.c_str()).ok());
  ::setenv("VITRINE_SIMULATED_CLOCK", file.c_str(), 1);  // the programs it starts
  Start(settings);
}

double MonthServer::DayOf(Micros time) const {
  return static_cast<double>(time.value - day0_.value) / static_cast<double>(kMicrosPerDay);
}

void MonthServer::MoveTo(Micros now) { Need(clock_->MoveTo(now, After(kWithin))); }

void MonthServer::Start(const std::vector<std::string>& settings) {
  loop::ChildCommand command{.program = Program(), .arguments = {"--data", data_}};
  for (const std::string& setting : settings) {
    command.arguments.insert(command.arguments.end(), {"--set", setting});
  }
  command.arguments.emplace_back("up");
  server_ = std::jthread([command](const std::stop_token& stop) {
    const auto outcome = loop::RunChild(command, {}, stop);
    if (!stop.stop_requested()) {
      std::fprintf(
          stderr, "the server ended: %s\n",
          outcome.ok() ? outcome->last_error_lines.c_str() : outcome.status().message().c_str());
      std::exit(1);
    }
  });
  client_ = std::make_unique<http::Client>(http::Endpoint{.unix_path = data_ + "/vitrine.sock"},
                                           http::ClientOptions{.timeout = kWithin, .api_key = {}});
  const Deadline deadline = After(std::chrono::minutes(1));
  while (!client_->Get("/v2/health/live").ok()) {
    Need(std::chrono::steady_clock::now() < deadline ? Status::Ok()
                                                     : Unavailable("the server does not answer"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// The server does not outlive its world.
void MonthServer::Fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  if (server_.joinable()) {
    server_.request_stop();
    server_.join();
  }
  std::exit(1);
}

void MonthServer::Need(const Status& status) {
  if (!status.ok()) {
    Fail(status.message());
  }
}

json MonthServer::Must(const Result<http::ClientResponse>& response) {
  Need(response.status());
  if (!response->ok()) {
    Fail(response->body);
  }
  return json::parse(response->body);
}

void MonthServer::Retrain() {
  const json job = Must(client_->Post("/v1/jobs", R"({"kind":"retrain"})"));
  const std::string target = "/v1/jobs/" + job.at("id").get<std::string>();
  const Deadline deadline = After(kWithin);
  for (;;) {
    const json seen = Get(target);
    const std::string state = seen.at("state").get<std::string>();
    if (state == "succeeded") {
      return;
    }
    if (state == "failed" || state == "cancelled" || std::chrono::steady_clock::now() > deadline) {
      Fail(seen.dump(2));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void MonthServer::LearnContract(Micros from) {
  const auto learned =
      loop::RunChild({.program = Program(),
                      .arguments = {"--data", data_, "data", "contract", "learn", "--reason",
                                    "the shop's first weeks", "--from", FormatIso(from)}},
                     {}, {});
  Need(learned.status());
  if (learned->exit_code != 0) {
    Fail(learned->last_error_lines);
  }
}

void MonthServer::DeclareSale(Micros until) {
  Must(client_->Post(
      "/v1/quiet-times",
      json({{"kind", "sale"}, {"until", FormatIso(until)}, {"why", "midsummer sale"}}).dump()));
}

bool MonthServer::RollOutPopularity(const std::string& policy) {
  const json newest = Get("/v1/models/popularity/versions?limit=1");
  const auto candidate = newest.at("versions").at(0).at("version").get<std::string>();
  const auto answer = client_->Post("/v1/rollouts", json({{"candidate", candidate},
                                                          {"policy", json::parse(policy)},
                                                          {"reason", "somebody's old baseline"}})
                                                        .dump());
  Need(answer.status());
  if (answer->ok()) {
    said_["pushed"] = {{"rollout", json::parse(answer->body).value("id", "")},
                       {"candidate", candidate},
                       {"day", DayOf(clock_->now())}};
  }
  return answer->ok();
}

void MonthServer::Look() {
  LookAtAlerts();
  LookAtHeld();
}

void MonthServer::LookAtAlerts() {
  const json open = Get("/v1/alerts?state=open&limit=500");
  for (const json& alert : open.at("alerts")) {
    if (!alert.contains("fired") || !alert["fired"].is_string()) {
      continue;
    }
    if (!alerts_.emplace(alert.value("id", ""), alert["fired"].get<std::string>()).second) {
      continue;
    }
    json row = alert;
    row["day"] = DayOf(clock_->now());
    json causes = json::array();
    const json diagnosis = Get("/v1/diagnosis?language=en");
    for (const json& cause : diagnosis.value("causes", json::array())) {
      causes.push_back({{"code", cause.value("code", "")}, {"text", cause.value("text", "")}});
    }
    row["diagnosis"] = std::move(causes);
    said_["alerts"].push_back(std::move(row));
  }
}

void MonthServer::LookAtHeld() {
  const json view = Get("/v1/retraining");
  for (const json& held : view.value("held", json::array())) {
    const std::string key = held.value("cause", "") + held.value("since", "");
    if (held_.insert(key).second) {
      json row = held;
      row["day"] = DayOf(clock_->now());
      said_["held"].push_back(std::move(row));
    }
  }
}

json MonthServer::Audit() {
  json audit = json::array();
  std::string cursor;
  do {
    const json page = Get("/v1/audit?limit=500" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json& entry : page.at("entries")) {
      audit.push_back(entry);
    }
    cursor = page.contains("next_cursor") && page["next_cursor"].is_string()
                 ? page["next_cursor"].get<std::string>()
                 : "";
  } while (!cursor.empty());
  return audit;
}

json MonthServer::Said() {
  said_["rollouts"] = Get("/v1/rollouts?limit=500").value("rollouts", json::array());
  said_["jobs"] = Get("/v1/jobs?limit=500").value("jobs", json::array());
  said_["audit"] = Audit();
  for (const auto& [list, field] : {std::pair("audit", "time"), std::pair("rollouts", "started"),
                                    std::pair("jobs", "created")}) {
    for (json& row : said_[list]) {
      const auto time = data::ParseTime(row.at(field).get<std::string>());
      CHECK(time.ok());
      row["day"] = DayOf(time->time);
    }
  }
  return said_;
}

}  // namespace vitrine::bench
