// Turns whose winners go to users by rollouts: the first serves at once, the next ones are tried, one at a time, and a server
// that dies anywhere on the way begins one rollout of one job.
// Rounds: VITRINE_CRASH_ROUNDS (default 6). The seed is printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/exit_code.h"
#include "core/time.h"
#include "e2e/retraining_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

/// A policy that nobody's visits pass, so that what goes on stays.
constexpr const char* kEndless = R"({"stages":[{"kind":"canary","share":0.5,"users":1000000}]})";

class RetrainRollout : public Retraining {
 protected:
  [[nodiscard]] std::vector<std::string> Settings(const std::string& policy) const {
    std::vector<std::string> settings = {"--set", "retrain.promote=rollout",
                                         "--set", "retrain.policy=" + Write("policy.json", policy),
                                         "--set", "train.specs=popularity",
                                         "--set", "rollout.every_ms=50",
                                         "--set", "gate.min_cases=5"};
    return settings;
  }
  [[nodiscard]] loop::ChildOutcome Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data()});
    return RunProgram("vitrine", std::move(arguments));
  }
  /// The result of a turn that a person starts.
  [[nodiscard]] json Turn() const {
    const loop::ChildOutcome outcome = Vitrine({"--json", "retrain"});
    EXPECT_EQ(outcome.exit_code, kExitOk) << outcome.output << outcome.last_error_lines;
    const std::size_t begin = outcome.output.find("{\n");
    return json::parse(begin == std::string::npos ? "" : outcome.output.substr(begin), nullptr,
                       false);
  }
  /// Once the newest turn has ended and the watch has looked since: what comes from here on is new to it.
  static void UntilItWatches(const RunningServer& server) {
    Until(server, "/v1/jobs", [](const json& page) {
      return !page["jobs"].empty() && page["jobs"][0]["state"] == "succeeded";
    });
    const json before = Asked(server, "/v1/retraining")["looked"];
    const json next = Until(server, "/v1/retraining", [&](const json& view) {
      return view["looked"].is_string() && view["looked"] != before;
    })["looked"];
    Until(server, "/v1/retraining", [&](const json& view) { return view["looked"] != next; });
  }
  static json StartOf(const RunningServer& server, const std::string& id) {
    json start;
    const json page = Asked(server, "/v1/audit?limit=500");
    for (const json& entry : page["entries"]) {
      if (entry["subject"] == id && entry["action"] == "rollout.start") {
        EXPECT_TRUE(start.is_null()) << "it was begun twice";
        start = entry;
      }
    }
    return start;
  }
};

TEST_F(RetrainRollout, TheFirstServesAtOnceAndTheNextIsTried) {
  RunningServer server(data(), Settings(kEndless));
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  PostPurchases(server);
  const json first = Turn();
  EXPECT_EQ(first["promoted"], "popularity:2") << first;
  EXPECT_TRUE(first["rollout"].is_null());
  PostPurchases(server, 1);
  const json second = Turn();
  EXPECT_TRUE(second["promoted"].is_null()) << second;
  EXPECT_EQ(second["rollout"], "rollout-000001") << second;
  EXPECT_NE(second["text"].get<std::string>().find("vitrine rollout watch rollout-000001"),
            std::string::npos);
  EXPECT_EQ(Asked(server, "/v1/aliases")["aliases"]["champion"], "popularity:2");
  const json rollout = Asked(server, "/v1/rollouts/rollout-000001");
  EXPECT_EQ(rollout["candidate"], second["handed_over"]);
  EXPECT_EQ(rollout["job"], "job-000002");
  const json evidence = StartOf(server, "rollout-000001")["evidence"];
  EXPECT_EQ(evidence["verdict"]["pass"], true) << evidence;
  EXPECT_EQ(evidence["job"], "job-000002");
  EXPECT_EQ(evidence["trigger"], "local");
  EXPECT_FALSE(evidence["figures"].empty());

  PostPurchases(server, 2);
  const json third = Turn();
  EXPECT_TRUE(third["promoted"].is_null()) << third;
  EXPECT_TRUE(third["rollout"].is_null()) << third;
  const std::string why = third["no_rollout"];
  EXPECT_NE(why.find("rollout-000001"), std::string::npos) << why;
  EXPECT_NE(why.find("vitrine rollout start " + third["handed_over"].get<std::string>()),
            std::string::npos)
      << why;
}

TEST_F(RetrainRollout, OneGoesOnSoTheNextTriggerIsHeldAndAFailureRests) {
  std::vector<std::string> settings = Settings(kEndless);
  settings.insert(settings.end(),
                  {"--set", "retrain.triggers=volume", "--set", "retrain.growth=0.5", "--set",
                   "retrain.every_seconds=1", "--set", "retrain.min_events=100", "--set",
                   "retrain.rest_minutes=0"});
  {
    RunningServer server(data(), settings);
    ASSERT_TRUE(server.ok());
    PostPurchases(server);
    Until(server, "/v1/aliases",
          [](const json& page) { return page["aliases"].contains("champion"); });
    UntilItWatches(server);
    PostPurchases(server, 1);
    const json page = Until(server, "/v1/rollouts",
                            [](const json& rollouts) { return !rollouts["rollouts"].empty(); });
    ASSERT_FALSE(page["rollouts"].empty());
    UntilItWatches(server);
    EXPECT_EQ(page["rollouts"][0]["actor"], "trigger:volume");
    const json evidence = StartOf(server, "rollout-000001")["evidence"];
    EXPECT_EQ(evidence["trigger"], "trigger:volume");
    EXPECT_NE(evidence["reason"].get<std::string>().find("new events since a training on"),
              std::string::npos)
        << evidence;
    PostPurchases(server, 2);
    const json view =
        Until(server, "/v1/retraining", [](const json& seen) { return !seen["held"].empty(); });
    EXPECT_NE(view["held"][0]["reason"].get<std::string>().find("rollout-000001 goes on"),
              std::string::npos)
        << view;
    EXPECT_EQ(Turns(server).size(), 2U);
    EXPECT_EQ(server.Stop(), 0);
  }
  settings.back() = "retrain.rest_minutes=1000";
  RunningServer server(data(), settings);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(Vitrine({"rollout", "rollback", "rollout-000001"}).exit_code, 0);
  const json view = Until(server, "/v1/retraining", [](const json& seen) {
    return seen["looked"].is_string() && seen["held"].empty();
  });
  EXPECT_EQ(view["decision"]["retrain"], false) << view;
  EXPECT_EQ(Turns(server).size(), 2U);
}

TEST_F(RetrainRollout, KilledAnywhereBetweenTriggerAndRolloutOneOfEachIsMade) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  std::vector<std::string> settings = Settings(kEndless);
  settings.insert(settings.end(),
                  {"--set", "retrain.triggers=volume", "--set", "retrain.growth=0.05", "--set",
                   "retrain.every_seconds=1", "--set", "retrain.min_events=100", "--set",
                   "retrain.rest_minutes=0", "--set", "retrain.per_day=1000"});
  std::size_t turns = 0;
  {
    RunningServer server(data(), settings);
    ASSERT_TRUE(server.ok());
    PostPurchases(server);
    Until(server, "/v1/aliases",
          [](const json& page) { return page["aliases"].contains("champion"); });
    UntilItWatches(server);
    turns = Turns(server).size();
    EXPECT_EQ(server.Stop(), 0);
  }
  for (int round = 0; round < CrashRounds(); ++round) {
    {
      RunningServer server(data(), settings);
      ASSERT_TRUE(server.ok());
      UntilItWatches(server);
      PostPurchases(server, round + 1);
      Until(server, "/v1/jobs", [&](const json& page) { return page["jobs"].size() > turns; });
      // Rounds die behind the trigger, in the turn, and where the deployed version is there or its rollout is.
      if (round % 3 == 1) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1500));
      } else if (round % 3 == 2) {
        const std::size_t versions = Asked(server, "/v1/models?limit=500")["versions"].size();
        Until(server, "/v1/models?limit=500",
              [&](const json& page) { return page["versions"].size() >= versions + 2; });
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
      }
      server.Kill();
    }
    RunningServer server(data(), settings);
    ASSERT_TRUE(server.ok());
    const json job = Until(server, "/v1/jobs", [](const json& page) {
      return page["jobs"][0]["state"] == "succeeded";
    })["jobs"][0];
    EXPECT_EQ(Turns(server).size(), turns + 1) << "round " << round;
    const json rollouts = Asked(server, "/v1/rollouts?limit=100")["rollouts"];
    ASSERT_EQ(rollouts.size(), static_cast<std::size_t>(round) + 1);
    EXPECT_EQ(rollouts[0]["state"], "running");
    EXPECT_EQ(rollouts[0]["job"], job["id"]);
    EXPECT_EQ(job["result"]["rollout"], rollouts[0]["id"]) << job;
    EXPECT_EQ(job["result"]["verdict"]["pass"], true) << job;
    EXPECT_FALSE(StartOf(server, rollouts[0]["id"]).is_null());
    EXPECT_EQ(Asked(server, "/v1/aliases")["aliases"]["champion"], rollouts[0]["control"]);
    // The next round's champion is this one's candidate.
    EXPECT_EQ(Vitrine({"rollout", "promote", rollouts[0]["id"]}).exit_code, 0);
    turns = Turns(server).size();
    EXPECT_EQ(server.Stop(), 0);
  }
}

TEST_F(RetrainRollout, SaysWhatIsWrongWithASetting) {
  const std::string bad = Write("bad.json", R"({"stages":[{"kind":"canary","share":7}]})");
  for (const auto& [setting, says] : std::vector<std::pair<std::string, std::string>>{
           {"retrain.promote=slowly", "retrain.promote: 'slowly' is none"},
           {"retrain.policy=" + bad, "retrain.policy"},
           {"retrain.policy=" + bad, "stages[0].share"},
           {"retrain.policy=none.json", "none.json cannot be read"}}) {
    const auto refused = RunProgram("vitrine", {"--data", data(), "--set", setting, "up", "--set",
                                                "server.listen=127.0.0.1:0"});
    EXPECT_NE(refused.exit_code, kExitOk) << setting;
    EXPECT_NE(refused.last_error_lines.find(says), std::string::npos) << refused.last_error_lines;
  }
}

}  // namespace
}  // namespace vitrine::e2e
