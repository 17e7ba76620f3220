// The last step by two people: who began a rollout cannot approve it, somebody else can, and a restart forgets no word.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "core/exit_code.h"
#include "core/time.h"
#include "e2e/rollout_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

class RolloutApproval : public RolloutTest {
 protected:
  [[nodiscard]] std::string Key(const std::string& name) const {
    const loop::ChildOutcome made = RunProgram(
        "vitrine",
        {"--data", data(), "--json", "key", "create", name, "--scope", "operate,serve,ingest"});
    EXPECT_EQ(made.exit_code, 0) << made.last_error_lines;
    return json::parse(made.output, nullptr, false).value("key", "");
  }
  static http::ClientResponse As(const RunningServer& server, const std::string& key,
                                 const std::string& target, const json& body) {
    const auto endpoint = http::ParseEndpoint(server.url());
    EXPECT_TRUE(endpoint.ok()) << server.url();
    http::Client client(endpoint.ok() ? *endpoint : http::Endpoint{}, {.api_key = key});
    const auto answer = client.Post(target, body.dump());
    EXPECT_TRUE(answer.ok()) << target;
    return answer.ok() ? *answer : http::ClientResponse{};
  }
  /// Users visit until `holds`; the rollout then.
  static json VisitUntil(http::Client& client, const std::string& id,
                         const std::function<bool(const json&)>& holds) {
    json now = Get(client, "/v1/rollouts/" + id);
    for (const auto end = After(std::chrono::seconds(60));
         !holds(now) && std::chrono::steady_clock::now() < end;) {
      for (int user = 0; user < 100; ++user) {
        Ask(client, user);
      }
      now = Get(client, "/v1/rollouts/" + id);
    }
    EXPECT_TRUE(holds(now)) << now;
    return now;
  }
  static bool Waits(const json& rollout) { return rollout["state"] == "waiting_for_approval"; }
};

TEST_F(RolloutApproval, WaitsForSomebodyElseOverARestart) {
  const std::string ann = Key("ann");
  const std::string bob = Key("bob");
  const json policy = {{"stages", {Small(0.5)}}, {"approval", true}};
  std::string at;
  {
    RunningServer server(data(), quick_);
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    Browse(client, 100, 3);
    const auto begun =
        As(server, ann, "/v1/rollouts", {{"candidate", "good:1"}, {"policy", policy}});
    ASSERT_EQ(begun.status, 201) << begun.body;
    at = "/v1/rollouts/" + json::parse(begun.body)["id"].get<std::string>();
    const json waits = VisitUntil(client, "rollout-000001", Waits);
    EXPECT_EQ(waits["seen"]["waits_for"], "approval");
    EXPECT_NE(waits["seen"]["reason"].get<std::string>().find("somebody other than ann"),
              std::string::npos);
    const auto metrics = client.Get("/metrics");
    ASSERT_TRUE(metrics.ok());
    EXPECT_NE(metrics->body.find("vitrine_rollout_waits_for_approval{alias=\"champion\"} 1"),
              std::string::npos);
    for (const char* verb : {":approve", ":promote"}) {
      const auto refused = As(server, ann, at + verb, {{"reason", "mine"}});
      EXPECT_EQ(refused.status, 403) << verb;
      EXPECT_NE(refused.body.find("ann began rollout-000001"), std::string::npos) << refused.body;
    }
    EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["champion"], "old:1");
    EXPECT_EQ(Entries(client, "rollout-000001").size(), 1U) << "what was refused changed nothing";
    const auto shown =
        RunProgram("vitrine", {"--data", data(), "rollout", "show", "rollout-000001"});
    EXPECT_NE(shown.output.find("waiting_for_approval"), std::string::npos) << shown.output;
    EXPECT_NE(shown.output.find("somebody other than ann"), std::string::npos) << shown.output;
    EXPECT_EQ(
        RunProgram("vitrine", {"--data", data(), "rollout", "pause", "rollout-000001"}).exit_code,
        0);
    EXPECT_EQ(As(server, bob, at + ":approve", {{"reason", "looked at it"}}).status, 200);
    EXPECT_EQ(As(server, bob, at + ":approve", json::object()).status, 409) << "once";
    server.Kill();
  }
  RunningServer server(data(), quick_);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  json now = Get(client, at);
  ASSERT_EQ(now["approvals"].size(), 1U) << now;
  EXPECT_EQ(now["approvals"][0]["actor"], "bob");
  EXPECT_EQ(now["approvals"][0]["reason"], "looked at it");
  EXPECT_EQ(As(server, ann, at + ":resume", json::object()).status, 200);
  now = VisitUntil(client, "rollout-000001",
                   [](const json& rollout) { return rollout["state"] == "promoted"; });
  EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["champion"], "good:1");
  json approval;
  for (const json& entry : Entries(client, "rollout-000001")) {
    if (entry["action"] == "rollout.approve") {
      approval = entry;
    }
  }
  ASSERT_TRUE(approval.is_object());
  EXPECT_EQ(approval["actor"], "bob");
  EXPECT_EQ(approval["evidence"]["reason"], "looked at it");
}

TEST_F(RolloutApproval, TheSettingBindsEveryRolloutAndAnothersPromoteIsAWord) {
  const std::string bob = Key("bob");
  RunningServer server(data(), {"--set", "rollout.every_ms=50", "--set", "rollout.approval=true"});
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Browse(client, 100, 3);
  const json endless = {{"stages", {{{"kind", "canary"}, {"share", 0.5}, {"users", 1'000'000}}}},
                        {"approval", false}};
  const json begun = Start(client, "good:1", endless);
  EXPECT_EQ(begun["policy"]["approval"], true);
  const std::string at = "/v1/rollouts/" + begun["id"].get<std::string>();
  const auto approve = RunProgram(
      "vitrine", {"--data", data(), "rollout", "approve", begun["id"].get<std::string>()});
  EXPECT_EQ(approve.exit_code, kExitAuth) << approve.last_error_lines;
  EXPECT_EQ(client.Post(at + ":promote", "{}")->status, 403);
  EXPECT_EQ(As(server, bob, at + ":promote", {{"reason", "now"}}).status, 200);
  const json now = Get(client, at);
  EXPECT_EQ(now["state"], "promoted");
  EXPECT_EQ(now["approvals"][0]["actor"], "bob");
}

}  // namespace
}  // namespace vitrine::e2e
