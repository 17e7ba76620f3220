// A server that is killed in the middle of a rollout goes on from a whole state.
// Rounds: VITRINE_CRASH_ROUNDS (default 6). The seed is printed.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "adapters/sqlite/vitrine_db.h"
#include "core/time.h"
#include "e2e/rollout_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

TEST_F(RolloutTest, AKilledServerGoesOnWithTheSameArms) {
  const json policy = {{"stages", {{{"kind", "canary"}, {"share", 0.5}, {"users", 1'000'000}}}}};
  std::map<int, std::string> arms;
  std::string id;
  {
    RunningServer server(data(), quick_);
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    Browse(client, 40, 3);
    id = Start(client, "good:1", policy)["id"];
    for (int user = 0; user < 40; ++user) {
      arms[user] = Ask(client, user).value("arm", "");
    }
    server.Kill();
  }
  RunningServer server(data(), quick_);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  // The candidate is loaded behind the champion: until it is there, the control answers.
  for (const auto until = After(std::chrono::seconds(30));
       !Ask(client, 0).contains("arm") && std::chrono::steady_clock::now() < until;) {
    std::this_thread::yield();
  }
  for (int user = 0; user < 40; ++user) {
    EXPECT_EQ(Ask(client, user).value("arm", ""), arms[user]) << user;
  }
  EXPECT_EQ(Get(client, "/v1/rollouts/" + id)["state"], "running");
}

int Rounds() {
  const char* rounds = std::getenv("VITRINE_CRASH_ROUNDS");
  return rounds == nullptr ? 6 : std::atoi(rounds);
}

/// What the files of a killed server say: the rollout's state, its entries and the aliases must be of one moment.
void ExpectWhole(const std::string& data, const std::string& candidate,
                 const std::string& control) {
  const auto opened = sqlite::VitrineDb::Open(data + "/vitrine.db");
  ASSERT_TRUE(opened.ok());
  sqlite::VitrineDb& db = **opened;
  EXPECT_TRUE(db.IntegrityCheck().ok());
  EXPECT_TRUE(db.VerifyAudit().ok());
  const auto rollouts = db.ListRollouts("", 1);
  ASSERT_TRUE(rollouts.ok());
  if (rollouts->empty()) {
    return;
  }
  const rollout::Rollout& last = rollouts->front();
  std::uint64_t entries = 0;
  const auto audit = db.ListAudit(0, 1000);
  for (const registry::AuditEntry& entry : *audit) {
    entries += entry.subject == last.id ? 1U : 0U;
  }
  EXPECT_EQ(entries, last.revision) << last.id << ": each change has its entry, and no other";
  if (last.candidate.ToString() == candidate) {
    const auto aliases = db.Aliases();
    const bool promoted = last.state == rollout::RolloutState::kPromoted;
    EXPECT_EQ(aliases->at("champion").ToString(), promoted ? candidate : control);
  }
}

TEST_F(RolloutTest, KilledInAnyRampStepOrPromotionNothingIsHalfDone) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  json stages = json::array({{{"kind", "shadow"}, {"share", 1}}});
  for (int i = 1; i <= 8; ++i) {
    stages.push_back({{"kind", "canary"}, {"share", i / 8.0}});
  }
  std::string candidate = "good:1";
  std::string control = "old:1";
  std::set<std::size_t> seen;
  for (int round = 0; round < Rounds(); ++round) {
    {
      RunningServer server(data(), {"--set", "rollout.every_ms=2"});
      ASSERT_TRUE(server.ok());
      http::Client client = server.Client();
      const json begun = Start(client, candidate, {{"stages", stages}});
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
      server.Kill();
    }
    ExpectWhole(data(), candidate, control);
    RunningServer server(data(), {"--set", "rollout.every_ms=2"});
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    json now = json::object();
    for (const auto until = After(std::chrono::seconds(30));
         now.value("state", "running") == "running" && std::chrono::steady_clock::now() < until;) {
      now = Get(client, "/v1/rollouts")["rollouts"][0];
      std::this_thread::yield();
    }
    EXPECT_EQ(now["state"], "promoted") << now;
    EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["champion"], candidate);
    EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["previous"], control);
    EXPECT_EQ(server.Stop(), 0);
    std::swap(candidate, control);
  }
}

}  // namespace
}  // namespace vitrine::e2e
