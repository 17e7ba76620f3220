// vitrine rollout start|list|show|pause|resume|approve|promote|rollback|watch|estimate.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "core/exit_code.h"
#include "rollout/off_policy_log.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct RolloutFlags {
  std::string id;
  std::string candidate;
  std::string scene;
  std::string policy;
  std::string reason;
  std::string log;
  rollout::OffPolicyOptions off_policy;
};

double Number(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

std::string StageText(const json& rollout) {
  const std::size_t stages = rollout["policy"]["stages"].size();
  if (!rollout.contains("kind")) {
    return "";
  }
  return fmt::format("{} {:.3g} % (stage {} of {})", rollout.value("kind", ""),
                     rollout.value("share", 0.0) * 100, rollout.value("stage", 0) + 1, stages);
}

/// What its newest look saw, as lines.
std::string SeenText(const json& rollout) {
  const json seen = rollout.value("seen", json());
  if (!seen.is_object()) {
    return "";
  }
  std::string text =
      fmt::format("last look   {}: {}\n", seen.value("decision", ""), seen.value("reason", ""));
  if (const auto shadow = seen.find("shadow"); shadow != seen.end()) {
    const json seconds = shadow->value("median_seconds", json::object());
    text += fmt::format(
        "shadow      {} compared, {} failed, {} dropped; overlap@10 {:.2f}; median {:.2f} ms "
        "beside "
        "{:.2f} ms\n",
        Number(*shadow, "compared"), Number(*shadow, "failures"), Number(*shadow, "dropped"),
        Number(*shadow, "overlap_at_10"), Number(seconds, "treatment") * 1e3,
        Number(seconds, "control") * 1e3);
  }
  const json stretches = seen.value("stretches", json::array());
  if (!stretches.empty() && seen.value("kind", "") != "shadow") {
    const json& at = stretches.back();
    const auto both = [&](const char* name) {
      return fmt::format("{:.0f} / {:.0f}", Number(at[name], "treatment"),
                         Number(at[name], "control"));
    };
    text += fmt::format("seen        answers {}, users {} (candidate / control)\n", both("answers"),
                        both("users"));
  }
  if (const auto preference = seen.find("preference"); preference != seen.end()) {
    text += fmt::format("preference  {}\n", preference->value("sentence", ""));
  }
  for (const json& guardrail : seen.value("guardrails", json::array())) {
    text += fmt::format("guardrail   {}\n", guardrail.value("sentence", ""));
  }
  return text;
}

std::string ApprovalText(const json& rollout) {
  const json approvals = rollout.value("approvals", json::array());
  std::string text;
  for (const json& one : approvals) {
    text += fmt::format("approved    by {}, {}{}\n", one.value("actor", ""), one.value("time", ""),
                        one.contains("reason") ? ": " + one.value("reason", "") : "");
  }
  const json policy = rollout.value("policy", json::object());
  return text.empty() && policy.value("approval", false)
             ? fmt::format("approval    not yet; by somebody other than {}\n",
                           rollout.value("actor", ""))
             : text;
}

std::string Text(const json& rollout) {
  return fmt::format("{}  {}\ncandidate   {}\ncontrol     {} ({}{})\n{}{}{}reason      {}\n{}",
                     rollout.value("id", ""), rollout.value("state", ""),
                     rollout.value("candidate", ""), rollout.value("control", ""),
                     rollout.value("alias", ""),
                     rollout.contains("scene") ? ", scene " + rollout.value("scene", "") : "",
                     rollout.contains("kind") ? "stage       " + StageText(rollout) + "\n" : "",
                     fmt::format("since       {}\n", rollout.value("entered", "")),
                     ApprovalText(rollout), rollout.value("reason", ""), SeenText(rollout));
}

void PrintRollout(const CommandLine& line, const std::string& answer) {
  const json rollout = json::parse(answer);
  Print(line.json ? rollout.dump(2) : Text(rollout));
}

std::string TargetOf(const RolloutFlags& flags, std::string_view verb = "") {
  return fmt::format("/v1/rollouts/{}{}", http::PercentEncode(flags.id), verb);
}

Status Start(const CommandLine& line, const RolloutFlags& flags) {
  json body = {{"candidate", flags.candidate}};
  if (!flags.scene.empty()) {
    body["scene"] = flags.scene;
  }
  if (!flags.reason.empty()) {
    body["reason"] = flags.reason;
  }
  if (!flags.policy.empty()) {
    std::ifstream in(flags.policy, std::ios::binary);
    if (!in) {
      return NotFound(fmt::format("--policy: {} cannot be read", flags.policy));
    }
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    body["policy"] = json::parse(text, nullptr, false);
    if (!body["policy"].is_object()) {
      return InvalidArgument(fmt::format("--policy: {} holds no JSON object", flags.policy));
    }
  }
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string answer, session.Post("/v1/rollouts", body.dump()));
  const json rollout = json::parse(answer);
  const std::string id = rollout.value("id", "");
  Print(line.json ? rollout.dump(2)
                  : fmt::format("{}: {} is on its way to '{}', {}\nfollow it: vitrine rollout "
                                "watch {}    end it: vitrine rollout rollback {}",
                                id, rollout.value("candidate", ""), rollout.value("alias", ""),
                                StageText(rollout), id, id));
  return Status::Ok();
}

Status List(const CommandLine& line) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Get("/v1/rollouts?limit=100"));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  const json page = json::parse(text);
  std::string out;
  for (const json& rollout : page.value("rollouts", json::array())) {
    const std::string stage = StageText(rollout);
    out += fmt::format("{:<16} {:<12} {:<24} {:<30} {}\n", rollout.value("id", ""),
                       rollout.value("state", ""), rollout.value("candidate", ""), stage,
                       rollout.value("reason", ""));
  }
  Print(out.empty() ? "No rollout yet. Bring a version to users step by step:\n"
                      "  vitrine rollout start NAME:NUMBER\n"
                    : out);
  return Status::Ok();
}

Status Show(const CommandLine& line, const RolloutFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string answer, session.Get(TargetOf(flags)));
  PrintRollout(line, answer);
  return Status::Ok();
}

Status Lead(const CommandLine& line, const RolloutFlags& flags, std::string_view verb) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  json body = json::object();
  if (!flags.reason.empty()) {
    body["reason"] = flags.reason;
  }
  ASSIGN_OR_RETURN(const std::string answer,
                   session.Post(TargetOf(flags, fmt::format(":{}", verb)), body.dump()));
  PrintRollout(line, answer);
  return Status::Ok();
}

/// A line for each change of what is seen, until it ends.
Status Watch(const CommandLine& line, const RolloutFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  if (session.own() != nullptr) {
    return FailedPrecondition(
        "no server runs on this data directory, so nothing happens; start one: vitrine up");
  }
  const std::stop_token stop = StopOnSignals();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::string told;
  for (;;) {
    ASSIGN_OR_RETURN(const std::string answer, session.Get(TargetOf(flags)));
    const json rollout = json::parse(answer);
    const std::string state = rollout.value("state", "");
    const bool ended = state == "promoted" || state == "rolled_back";
    const json seen = rollout.value("seen", json());
    const std::string reason =
        ended || !seen.is_object() ? rollout.value("reason", "") : seen.value("reason", "");
    const std::string text = fmt::format("{:<12} {:<30} {}", state, StageText(rollout), reason);
    if (text != told) {
      Print(line.json ? rollout.dump() : text);
      told = text;
    }
    if (ended) {
      line.outcome = state == "promoted" ? kExitOk : kExitGateFailed;
      return Status::Ok();
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    if (stop.stop_requested()) {
      return {Code::kCancelled, "stopped watching; the rollout goes on"};
    }
  }
}

/// From a log alone: no server, no data directory.
Status Estimate(const CommandLine& line, const RolloutFlags& flags) {
  const bool piped = flags.log == "-";
  std::ifstream file;
  if (!piped) {
    file.open(flags.log, std::ios::binary);
    if (!file) {
      return NotFound(fmt::format("--log: {} cannot be read", flags.log));
    }
  }
  const Result<std::vector<rollout::LoggedChoice>> choices =
      rollout::ReadChoices(piped ? std::cin : file);
  RETURN_IF_ERROR(choices.status().WithContext(piped ? "standard input" : flags.log));
  ASSIGN_OR_RETURN(const rollout::OffPolicyReport report,
                   rollout::EstimateValue(*choices, flags.off_policy));
  Print(line.json ? ToJson(report) : ToText(report, flags.off_policy));
  return Status::Ok();
}

void AddEstimate(CLI::App& rollout, const std::shared_ptr<RolloutFlags>& flags, CommandLine& line) {
  CLI::App* estimate = rollout.add_subcommand(
      "estimate", "What a candidate would have earned, from a log of what another showed");
  estimate->add_option("--log", flags->log, "JSON lines, a shown place each; - for standard input")
      ->required();
  estimate->add_option("--alpha", flags->off_policy.alpha, "Intervals hold 1 - alpha of the time")
      ->check(CLI::Range(1e-6, 0.5))
      ->capture_default_str();
  estimate
      ->add_option("--clip", flags->off_policy.clip,
                   "Cut larger weights to this: less noise, a value that is too low; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  estimate->footer(
      "A line: {\"request_id\": \"r1\", \"user_id\": \"u1\", \"item_id\": \"i7\", "
      "\"position\": 0, \"propensity\": 0.2,\n"
      "         \"reward\": 1, \"candidate_probability\": 0.5}   See docs/rollout.md, From a log.");
  estimate->callback(
      [flags, &line] { line.run = [flags, &line] { return Estimate(line, *flags); }; });
}

}  // namespace

void AddRolloutCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<RolloutFlags>();
  CLI::App* rollout = app.add_subcommand(
      "rollout", "Bring a version to users step by step: start, list, show, watch, lead by hand");
  rollout->require_subcommand(1);
  using Verb = std::function<Status(const CommandLine&, const RolloutFlags&)>;
  const auto add = [&](const char* name, const char* what, Verb run) {
    CLI::App* verb = rollout->add_subcommand(name, what);
    verb->callback([run = std::move(run), flags, &line] {
      line.run = [run, flags, &line] { return run(line, *flags); };
    });
    return verb;
  };
  const auto of_one = [&](CLI::App* verb) {
    verb->add_option("rollout", flags->id, "Its id, rollout-000001")->required();
    return verb;
  };
  const auto reason = [&](CLI::App* verb) {
    verb->add_option("--reason", flags->reason, "Why; kept in the audit log");
  };
  CLI::App* start = add("start", "Begin: shadow, then 1, 5, 25 and 50 % of users, then all", Start);
  start->add_option("version", flags->candidate, "NAME:NUMBER, or an alias")->required();
  start->add_option("--scene", flags->scene, "Try it in this scene only");
  start->add_option("--policy", flags->policy, "File with another policy (docs/rollout.md)");
  reason(start);
  add("list", "Rollouts, newest first",
      [](const CommandLine& l, const RolloutFlags&) { return List(l); });
  AddEstimate(*rollout, flags, line);
  of_one(add("show", "One rollout, and what its newest look saw", Show));
  of_one(add("watch", "Follow one until it ends; exit code 7 where it was rolled back", Watch));
  for (const auto& [name, what] :
       {std::pair("pause", "Answer every user by the control until it is resumed"),
        std::pair("resume", "Go on where it was paused"),
        std::pair("approve", "Give your word for the last step; who began it cannot"),
        std::pair("promote", "Make the candidate the champion now"),
        std::pair("rollback", "Answer every user by the control, and end it")}) {
    reason(of_one(
        add(name, what, [verb = std::string(name)](const CommandLine& l, const RolloutFlags& f) {
          return Lead(l, f, verb);
        })));
  }
}

}  // namespace vitrine::apps
