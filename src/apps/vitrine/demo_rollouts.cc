#include "apps/vitrine/demo_rollouts.h"

#include <algorithm>
#include <chrono>

namespace vitrine::apps {
namespace {

using nlohmann::json;

constexpr std::size_t kVisitsAtOnce = 200;
constexpr std::size_t kShown = 10;

/// What the newest audit entry of the rollout rests on: how it ended.
Result<json> EvidenceOf(ApiSession& session, const std::string& id) {
  ASSIGN_OR_RETURN(const std::string text, session.Get("/v1/audit?limit=100"));
  for (const json& entry : json::parse(text).value("entries", json::array())) {
    if (entry.value("subject", "") == id) {
      return entry.value("evidence", json::object());
    }
  }
  return NotFound("the audit log has nothing of " + id);
}

}  // namespace

double UsersWhoSaw(const json& evidence) {
  double most = 0;
  for (const json& stretch : evidence.value("stretches", json::array())) {
    const double treatment = stretch["users"]["treatment"];
    const double all = treatment + stretch["users"]["control"].get<double>();
    most = all > 0 ? std::max(most, treatment / all) : most;
  }
  return most;
}

const char* const kDemoPolicy = R"({
  "stages": [{"kind": "shadow", "share": 1, "seconds": 1, "answers": 200},
             {"kind": "canary", "share": 0.25, "seconds": 1, "answers": 100, "users": 50},
             {"kind": "canary", "share": 0.5, "seconds": 1, "answers": 200, "users": 100}],
  "shadow": {"latency": 10},
  "guardrails": [{"metric": "errors", "loss": 0.05}, {"metric": "ctr", "loss": 0.2}]})";

const char* const kDemoPolicyWithoutShadow = R"({
  "stages": [{"kind": "canary", "share": 0.25, "seconds": 1, "answers": 1000, "users": 500},
             {"kind": "canary", "share": 0.5, "seconds": 1, "answers": 2000, "users": 1000}],
  "guardrails": [{"metric": "errors", "loss": 0.05}, {"metric": "ctr", "loss": 0.2}]})";

Result<DemoRollout> FollowRollout(ApiSession& session, Simulation& simulation,
                                  const std::string& id, std::uint64_t most,
                                  const std::stop_token& stop) {
  const auto began = std::chrono::steady_clock::now();
  DemoRollout found{.id = id, .state = "running", .reason = {}, .kind = {}};
  while (found.state == "running" && found.visits < most) {
    if (stop.stop_requested()) {
      return Cancelled("stopped while " + id + " goes on");
    }
    ASSIGN_OR_RETURN(const Traffic traffic, simulation.Visit(kVisitsAtOnce, kShown));
    found.visits += traffic.answers;
    ASSIGN_OR_RETURN(const std::string text, session.Get("/v1/rollouts/" + id));
    const json rollout = json::parse(text);
    found.state = rollout.value("state", "");
    found.reason = rollout.value("reason", "");
  }
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  ASSIGN_OR_RETURN(const json evidence, EvidenceOf(session, id));
  found.kind = evidence.value("kind", "");
  found.users = UsersWhoSaw(evidence);
  return found;
}

Result<std::string> BeginRollout(ApiSession& session, const std::string& candidate,
                                 const char* policy, const std::string& reason) {
  const json body = {{"candidate", candidate}, {"policy", json::parse(policy)}, {"reason", reason}};
  ASSIGN_OR_RETURN(const std::string begun, session.Post("/v1/rollouts", body.dump()));
  return json::parse(begun).value("id", "");
}

}  // namespace vitrine::apps
