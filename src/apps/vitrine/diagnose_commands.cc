// vitrine diagnose: asks the server where one runs, and looks from here at what a server cannot see of itself.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/diagnosing.h"
#include "apps/vitrine/diagnosis_print.h"
#include "apps/vitrine/reach_looks.h"
#include "apps/vitrine/scrape_config.h"
#include "apps/vitrine/server_options.h"
#include "apps/vitrine/start_looks.h"
#include "monitor/diagnosis/diagnose.h"
#include "monitor/diagnosis/diagnosis_json.h"

namespace vitrine::apps {
namespace {

using monitor::Question;
using nlohmann::json;

constexpr std::chrono::seconds kAliveWithin{5};
constexpr std::chrono::seconds kAnswerWithin{60};

struct DiagnoseFlags {
  std::string question = "all";
  std::string language = "en";
  std::string address;
  std::string scrape_config;
  std::string job;
};

/// A server that answers, and what it says.
struct Asked {
  bool alive = false;
  std::string why_not;
  json diagnosis;  ///< null where it refuses to say
};

Asked AskServer(const CommandLine& line, const DiagnoseFlags& flags) {
  Asked asked;
  const Result<ServerAddress> found = FindServer(line);
  if (!found.ok()) {
    asked.why_not = found.status().message();
    return asked;
  }
  http::Client client(found->endpoint, {.timeout = kAnswerWithin, .api_key = found->api_key});
  client.set_timeout(kAliveWithin);
  const auto live = client.Get("/livez");
  client.set_timeout(kAnswerWithin);
  asked.alive = live.ok() && live->ok();
  if (!asked.alive) {
    asked.why_not = live.ok() ? fmt::format("it answers {}", live->status)
                              : std::string(live.status().message());
    return asked;
  }
  const auto answer = client.Get(
      fmt::format("/v1/diagnosis?question={}&language={}", flags.question, flags.language));
  if (answer.ok() && answer->ok()) {
    asked.diagnosis = json::parse(answer->body, nullptr, false);
  } else {
    asked.why_not = answer.ok() ? fmt::format("it answers {} to /v1/diagnosis", answer->status)
                                : std::string(answer.status().message());
  }
  return asked;
}

/// Where the server listens, by its own word, else by its settings.
std::optional<std::vector<std::string>> Listeners(const CommandLine& line, const Asked& asked) {
  if (asked.diagnosis.is_object() && asked.diagnosis.contains("listeners")) {
    return asked.diagnosis["listeners"].get<std::vector<std::string>>();
  }
  if (!line.server.empty()) {
    return std::nullopt;  // another machine's
  }
  const Result<Settings> settings = line.LoadSettings();
  if (!settings.ok()) {
    return std::nullopt;
  }
  const auto listener = ParseListener("server.listen", settings->Text("server.listen"));
  return listener.ok() ? std::optional(std::vector{ListenerText(*listener)}) : std::nullopt;
}

Result<ReachTarget> ScrapeTarget(const DiagnoseFlags& flags,
                                 const std::optional<std::vector<std::string>>& listeners) {
  std::ifstream in(flags.scrape_config, std::ios::binary);
  if (!in) {
    return NotFound(fmt::format("{} cannot be read", flags.scrape_config));
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto jobs = ReadScrapeConfig(text);
  RETURN_IF_ERROR(jobs.status().WithContext(flags.scrape_config));
  std::vector<std::string> ports;
  for (const std::string& listener : listeners.value_or(std::vector<std::string>())) {
    ports.push_back(listener.substr(listener.rfind(':') + 1));
  }
  auto job = ChooseJob(*jobs, flags.job, ports);
  RETURN_IF_ERROR(job.status().WithContext(flags.scrape_config));
  if (job->targets.empty()) {
    return FailedPrecondition(
        fmt::format("{}: the job '{}' discovers its targets elsewhere; name one with --address",
                    flags.scrape_config, job->name));
  }
  // The one that is meant among several servers, where its port says so.
  const auto meant =
      std::find_if(job->targets.begin(), job->targets.end(), [&](const std::string& target) {
        return std::find(ports.begin(), ports.end(), target.substr(target.rfind(':') + 1)) !=
               ports.end();
      });
  ASSIGN_OR_RETURN(ReachTarget target,
                   ParseReachTarget(meant == job->targets.end() ? job->targets.front() : *meant));
  target.tls = job->tls;
  target.path = job->path;
  target.scrape_timeout_seconds = job->timeout_seconds;
  target.api_key = job->key;
  if (!job->key_file.empty()) {
    std::ifstream key(job->key_file);
    key >> target.api_key;  // one that cannot be read is one that is not sent
  }
  return target;
}

/// An address that was named, else the scraper's, else the server's own.
Result<std::optional<ReachTarget>> TargetOf(
    const CommandLine& line, const DiagnoseFlags& flags,
    const std::optional<std::vector<std::string>>& listeners) {
  std::optional<ReachTarget> target;
  if (!flags.scrape_config.empty()) {
    ASSIGN_OR_RETURN(target, ScrapeTarget(flags, listeners));
  }
  const std::string& named = !flags.address.empty() ? flags.address : line.server;
  if (!named.empty() && !named.starts_with("unix:") && (!target || !flags.address.empty())) {
    ASSIGN_OR_RETURN(ReachTarget asked, ParseReachTarget(named));
    if (target) {
      asked.path = target->path;
      asked.scrape_timeout_seconds = target->scrape_timeout_seconds;
      asked.api_key = target->api_key;
    }
    target = std::move(asked);
  }
  if (!target && listeners && !listeners->empty()) {
    ASSIGN_OR_RETURN(target, ParseReachTarget(listeners->front()));
    target->host = target->host == "0.0.0.0" ? "127.0.0.1"
                   : target->host == "::"    ? "::1"
                                             : target->host;
    target->path = "/livez";  // nobody's question: it needs no key
  }
  if (target && !line.key_file.empty()) {
    std::ifstream in(line.key_file);
    in >> target->api_key;
  }
  return target;
}

Result<monitor::ReachEvidence> Reach(const CommandLine& line, const DiagnoseFlags& flags,
                                     const Asked& asked) {
  const auto listeners = Listeners(line, asked);
  ASSIGN_OR_RETURN(const std::optional<ReachTarget> target, TargetOf(line, flags, listeners));
  monitor::ReachEvidence reach;
  reach.listeners = listeners;
  if (target) {
    reach = LookFromHere(*target, listeners);
  }
  // A server of another machine is known by its answers alone.
  if (line.server.empty() || asked.alive) {
    reach.server_alive = asked.alive;
  }
  return reach;
}

Status Diagnose(const CommandLine& line, const DiagnoseFlags& flags) {
  ASSIGN_OR_RETURN(const Question question, QuestionOf(flags.question));
  ASSIGN_OR_RETURN(const monitor::Language language, LanguageOf(flags.language));
  const Asked asked = AskServer(line, flags);
  monitor::Evidence here;
  const bool all = question == Question::kAll;
  if ((all || question == Question::kDoesNotStart) && !asked.alive && line.server.empty()) {
    here.start = LookAtStart(line);
  }
  const bool reach = all || question == Question::kMonitorCannotBeReached;
  if (reach) {
    ASSIGN_OR_RETURN(here.reach, Reach(line, flags, asked));
  }
  json diagnosis;
  if (!asked.diagnosis.is_object()) {
    diagnosis = json::parse(ToJson(monitor::Examine(question, here), language));
  } else if (reach) {
    const json own =
        json::parse(ToJson(monitor::Examine(Question::kMonitorCannotBeReached, here), language));
    diagnosis = Together(asked.diagnosis, own);
  } else {
    diagnosis = asked.diagnosis;
  }
  diagnosis["server"] = asked.alive ? "running" : "not running";
  if (!asked.why_not.empty()) {
    diagnosis["server_says"] = asked.why_not;
  }
  Print(line.json ? diagnosis.dump(2) : DiagnosisText(diagnosis, language));
  return Status::Ok();
}

}  // namespace

void AddDiagnoseCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<DiagnoseFlags>();
  CLI::App* diagnose = app.add_subcommand(
      "diagnose",
      "Likely causes of what is wrong, with evidence and next steps; works offline too");
  diagnose
      ->add_option("QUESTION", flags->question,
                   "slower_after_deploy, worse_after_deploy, does_not_start, "
                   "monitor_shows_wrong_numbers, monitor_cannot_be_reached, all")
      ->capture_default_str();
  diagnose->add_option("--lang,--language", flags->language, "en or zh")->capture_default_str();
  diagnose->add_option("--address", flags->address,
                       "Where others ask the monitor: http://HOST:PORT; default: where it listens");
  diagnose->add_option("--scrape-config", flags->scrape_config,
                       "Prometheus' configuration file, to look at as the scraper does");
  diagnose->add_option("--job", flags->job, "Its job for this server");
  diagnose->callback(
      [flags, &line] { line.run = [flags, &line] { return Diagnose(line, *flags); }; });
}

}  // namespace vitrine::apps
