// A candidate on its way to users, on the real server over HTTP: a good one becomes champion, a bad one leaves by
// itself, and a server that is killed in the middle goes on from a whole state.
// Rounds of the killing: VITRINE_CRASH_ROUNDS (default 6). The seed is printed.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sqlite/vitrine_db.h"
#include "core/exit_code.h"
#include "core/time.h"
#include "data/feature_spec.h"
#include "e2e/import_testing.h"
#include "e2e/programs.h"
#include "graph/builder.h"

namespace vitrine::e2e {
namespace {

using graph::Builder;
using graph::Value;
using nlohmann::json;

constexpr std::int64_t kItems = 40;
constexpr std::int64_t kWidth = kItems + 2;

std::string ItemId(std::int64_t i) { return "item" + std::to_string(i); }

/// How often the history holds each item, times `factor`; where it holds the last one three times or more and `breaks`,
/// every score is no number, which eight histories of an import do not show.
std::string Model(float factor, bool breaks) {
  Builder b("m");
  const Value history = b.Input("history", DType::kInt64, {"batch", "length"});
  std::vector<float> identity(static_cast<std::size_t>(kWidth * kWidth));
  for (std::int64_t i = 0; i < kWidth; ++i) {
    identity[static_cast<std::size_t>(i * kWidth + i)] = factor;
  }
  const Value rows = b.Gather(b.Initializer("identity", {kWidth, kWidth}, identity), history);
  Value scores = b.Op("ReduceSum", {rows, b.Constants({1})}, {{"keepdims", 0}});
  if (breaks) {
    const Value last = b.Initializer("last", {1}, std::vector<std::int64_t>{kWidth - 1});
    const Value count = b.ReduceSum(b.Cast(b.Equal(history, last), DType::kFloat32), {1}, true);
    const Value left = b.Add(b.Scalar(2.5F), b.Mul(count, b.Scalar(-1.0F)));
    scores = b.Add(scores, b.Op("Sqrt", {left}));
  }
  b.Output("scores", scores, DType::kFloat32, {"batch", kWidth});
  return *b.Finish();
}

/// Shop with old:1 as champion, good:1 that scores twice as high, and bad:1 that breaks on some histories.
class RolloutTest : public Import {
 protected:
  RolloutTest() {
    std::vector<std::string> ids;
    for (std::int64_t i = 0; i < kItems; ++i) {
      ids.push_back(ItemId(i));
    }
    const auto spec = data::FeatureSpec::Fit(
        {{.name = "history", .op = "history_items", .source = "", .options = {{"length", "5"}}}},
        data::Interactions{}, data::ItemTable{}, data::Vocabulary(ids), Micros{0});
    EXPECT_TRUE(spec.ok());
    const std::string features = Write("spec.json", spec->ToJson());
    const std::string list = Write("ids.txt", data::Vocabulary(ids).ToText());
    const auto import = [&](const std::string& name, float factor, bool breaks) {
      EXPECT_EQ(Imported({Write(name + ".onnx", Model(factor, breaks)), "--name", name,
                          "--features", features, "--vocabulary", list}),
                name + ":1");
    };
    import("old", 1, false);
    import("good", 2, false);
    import("bad", 1, true);
    EXPECT_EQ(Vitrine({"model", "promote", "old:1"}).exit_code, 0);
  }

  /// Each user viewed `item` three times.
  static void Browse(http::Client& client, int users, std::int64_t item) {
    json events = json::array();
    for (int user = 0; user < users; ++user) {
      for (int i = 0; i < 3; ++i) {
        events.push_back({{"event", "view"},
                          {"user_id", User(user)},
                          {"item_id", ItemId(item)},
                          {"ts", 1'700'000'000 + i}});
      }
    }
    const auto answer = client.Post("/v1/events", events.dump());
    ASSERT_TRUE(answer.ok() && answer->ok()) << answer->body;
  }
  static std::string User(int i) { return "user" + std::to_string(i); }
  static json Ask(http::Client& client, int user) {
    const auto answer =
        client.Post("/v1/recommend", json({{"user_id", User(user)}, {"n", 5}}).dump());
    EXPECT_TRUE(answer.ok() && answer->status == 200) << "an answer failed";
    return answer.ok() ? json::parse(answer->body, nullptr, false) : json();
  }
  static void Click(http::Client& client, const json& answer, int user) {
    const json event = json::array({{{"event", "click"},
                                     {"user_id", User(user)},
                                     {"item_id", answer["items"][0]["item_id"]},
                                     {"request_id", answer["request_id"]},
                                     {"ts", Now().value}}});
    const auto taken = client.Post("/v1/events", event.dump());
    EXPECT_TRUE(taken.ok() && taken->ok()) << taken->body;
  }
  static json Get(http::Client& client, const std::string& target) {
    const auto answer = client.Get(target);
    EXPECT_TRUE(answer.ok() && answer->ok()) << target;
    return answer.ok() ? json::parse(answer->body, nullptr, false) : json();
  }
  static json Start(http::Client& client, const std::string& candidate, const json& policy) {
    const auto answer = client.Post(
        "/v1/rollouts",
        json({{"candidate", candidate}, {"policy", policy}, {"reason", "a test"}}).dump());
    EXPECT_TRUE(answer.ok() && answer->status == 201) << answer->body;
    return answer.ok() ? json::parse(answer->body, nullptr, false) : json();
  }
  /// Audit entries of a rollout, oldest first.
  static std::vector<json> Entries(http::Client& client, const std::string& id) {
    std::vector<json> entries;
    const json page = Get(client, "/v1/audit?limit=500");
    for (const json& entry : page["entries"]) {
      if (entry["subject"] == id) {
        entries.insert(entries.begin(), entry);
      }
    }
    return entries;
  }
  static json Small(double share) {
    return {{"kind", "canary"}, {"share", share}, {"seconds", 0}, {"answers", 30}, {"users", 10}};
  }
  const std::vector<std::string> quick_{"--set", "rollout.every_ms=50"};
};

TEST_F(RolloutTest, AGoodCandidateGoesThroughShadowAndCanaryToChampion) {
  EXPECT_NE(RunProgram("vitrine", {"--data", data(), "rollout", "list"})
                .output.find("vitrine rollout start NAME:NUMBER"),
            std::string::npos);
  RunningServer server(data(), quick_);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Browse(client, 100, 3);
  const json policy = {
      {"stages",
       {{{"kind", "shadow"}, {"share", 1}, {"seconds", 0}, {"answers", 20}},
        Small(0.2),
        Small(0.6)}},
      {"guardrails", {{{"metric", "errors"}, {"loss", 0.05}}, {{"metric", "ctr"}, {"loss", 0.5}}}},
      {"shadow", {{"latency", 100}}}};
  const json begun = Start(client, "good:1", policy);
  const std::string id = begun["id"];
  EXPECT_EQ(begun["kind"], "shadow");
  EXPECT_EQ(client.Post("/v1/rollouts", R"({"candidate":"bad:1"})")->status, 409)
      << "one at a time";
  std::set<int> treated;
  std::string state = "running";
  std::set<std::string> kinds;
  for (const auto until = After(std::chrono::seconds(120));
       state == "running" && std::chrono::steady_clock::now() < until;) {
    for (int user = 0; user < 100; ++user) {
      const json answer = Ask(client, user);
      const std::string model = answer.value("model", "");
      const std::string arm = answer.value("arm", "");
      ASSERT_TRUE(model == "old:1" || model == "good:1") << answer;
      if (arm == "treatment") {
        ASSERT_EQ(model, "good:1");
        ASSERT_EQ(answer["rollout"], id);
        treated.insert(user);
      } else if (arm == "control") {
        ASSERT_EQ(model, "old:1");
        ASSERT_FALSE(treated.contains(user)) << "a ramp took a user back";
      }
      if (user % 3 == 0) {
        Click(client, answer, user);
      }
    }
    const json now = Get(client, "/v1/rollouts/" + id);
    state = now["state"];
    kinds.insert(now.value("kind", ""));
  }
  EXPECT_EQ(state, "promoted") << Get(client, "/v1/rollouts/" + id);
  EXPECT_EQ(Ask(client, 1)["model"], "good:1");
  EXPECT_FALSE(Ask(client, 1).contains("arm"));
  const json aliases = Get(client, "/v1/aliases")["aliases"];
  EXPECT_EQ(aliases["champion"], "good:1");
  EXPECT_EQ(aliases["previous"], "old:1");
  const std::vector<json> entries = Entries(client, id);
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0]["action"], "rollout.start");
  EXPECT_EQ(entries[0]["evidence"]["reason"], "a test");
  EXPECT_EQ(entries[1]["action"], "rollout.advance");
  EXPECT_GE(entries[1]["evidence"]["shadow"]["compared"], 20);
  EXPECT_EQ(entries[1]["evidence"]["shadow"]["overlap_at_10"], 1);
  EXPECT_EQ(entries[2]["action"], "rollout.advance");
  EXPECT_EQ(entries[2]["evidence"]["guardrails"].size(), 2U);
  EXPECT_GE(entries[2]["evidence"]["stretches"][0]["users"]["treatment"], 10);
  EXPECT_GT(entries[2]["evidence"]["stretches"][0]["clicks"]["control"], 0);
  EXPECT_EQ(entries[3]["action"], "rollout.promote");
  EXPECT_EQ(entries[3]["actor"], "rollout");
  EXPECT_EQ(entries[3]["evidence"]["decision"], "promote");
  EXPECT_EQ(Vitrine({"model", "rollback"}).exit_code, 0);
  EXPECT_EQ(Ask(client, 1)["model"], "old:1") << "the champion before is one step away";
}

TEST_F(RolloutTest, NothingIsPromotedByItselfDuringASale) {
  RunningServer server(data(), quick_);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Browse(client, 100, 3);
  const auto sale = client.Post("/v1/quiet-times",
                                json({{"kind", "sale"},
                                      {"rule", ""},
                                      {"where", json::object()},
                                      {"until", FormatIso({Now().value + 3600 * kMicrosPerSecond})},
                                      {"why", "singles day"}})
                                    .dump());
  ASSERT_TRUE(sale.ok() && sale->ok()) << sale->body;
  const std::string quiet = json::parse(sale->body)["id"];
  const std::string id = Start(client, "good:1", {{"stages", {Small(0.5)}}})["id"];
  const auto until = [&](const std::function<bool(const json&)>& holds) {
    json now = Get(client, "/v1/rollouts/" + id);
    for (const auto end = After(std::chrono::seconds(60));
         !holds(now) && std::chrono::steady_clock::now() < end;) {
      for (int user = 0; user < 100; ++user) {
        Ask(client, user);
      }
      now = Get(client, "/v1/rollouts/" + id);
    }
    return now;
  };
  const json waits = until([](const json& now) {
    return now.dump().find("promotion waits: the sale \\\"singles day\\\"") != std::string::npos;
  });
  EXPECT_EQ(waits["state"], "running") << waits;
  EXPECT_NE(waits.dump().find("promotion waits"), std::string::npos) << waits;
  EXPECT_TRUE(client.Post("/v1/quiet-times/" + quiet + ":end", "{}")->ok());
  EXPECT_EQ(until([](const json& now) { return now["state"] != "running"; })["state"], "promoted");
}

TEST_F(RolloutTest, ACandidateWhoseScoresAreNoNumbersLeavesByItselfAndNoUserSeesIt) {
  RunningServer server(data(), quick_);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Browse(client, 100, kItems - 1);
  const json shadow = {{"stages", {{{"kind", "shadow"}, {"share", 1}, {"answers", 1000}}}}};
  const json canary = {{"stages", {Small(0.5)}}};
  for (const json& policy : {shadow, canary}) {
    const json begun = Start(client, "bad:1", policy);
    const std::string id = begun["id"];
    std::string state = "running";
    for (const auto until = After(std::chrono::seconds(60));
         state == "running" && std::chrono::steady_clock::now() < until;) {
      for (int user = 0; user < 100; ++user) {
        const json answer = Ask(client, user);
        ASSERT_EQ(answer["model"], "old:1") << "the version that serves answers for it";
        ASSERT_FALSE(answer.contains("fallback")) << answer;
      }
      state = Get(client, "/v1/rollouts/" + id)["state"];
    }
    EXPECT_EQ(state, "rolled_back") << Get(client, "/v1/rollouts/" + id);
    EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["champion"], "old:1");
    const json last = Entries(client, id).back();
    EXPECT_EQ(last["action"], "rollout.roll_back");
    EXPECT_EQ(last["actor"], "rollout");
    EXPECT_NE(last["evidence"]["failure"].get<std::string>().find("finite"), std::string::npos)
        << last;
    EXPECT_NE(Get(client, "/v1/rollouts/" + id)["reason"].get<std::string>().find("finite"),
              std::string::npos);
    if (policy == canary) {
      EXPECT_EQ(last["evidence"]["guardrails"][0]["verdict"], "harmful");
    }
    EXPECT_FALSE(Ask(client, 1).contains("arm"));
    const auto text = RunProgram("vitrine", {"--data", data(), "rollout", "show", id});
    EXPECT_NE(text.output.find("rolled_back"), std::string::npos) << text.output;
    EXPECT_EQ(Vitrine({"rollout", "watch", id}).exit_code, kExitGateFailed);
  }
}

TEST_F(RolloutTest, APersonLeadsItByHand) {
  RunningServer server(data(), quick_);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Browse(client, 20, 3);
  const std::string file =
      Write("policy.json", R"({"stages":[{"kind":"canary","share":1,"users":1000000}]})");
  EXPECT_EQ(Vitrine({"rollout", "start", "good:1", "--policy", file}).exit_code, 0);
  const std::string id = "rollout-000001";
  EXPECT_EQ(Ask(client, 1)["model"], "good:1");
  EXPECT_EQ(Vitrine({"rollout", "pause", id, "--reason", "lunch"}).exit_code, 0);
  EXPECT_EQ(Ask(client, 1)["model"], "old:1");
  EXPECT_EQ(Vitrine({"rollout", "pause", id}).exit_code, kExitConflict);
  EXPECT_NE(Get(client, "/v1/rollouts/" + id)["reason"].get<std::string>().find("lunch"),
            std::string::npos);
  EXPECT_EQ(Vitrine({"rollout", "resume", id}).exit_code, 0);
  EXPECT_EQ(Ask(client, 1)["model"], "good:1");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(client.Post("/v1/rollouts/" + id + ":rollback", "{}")->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_EQ(Ask(client, 1)["model"], "old:1");
  EXPECT_EQ(Vitrine({"rollout", "promote", id}).exit_code, kExitConflict) << "it has ended";
  EXPECT_EQ(Vitrine({"rollout", "show", "rollout-000009"}).exit_code, kExitNotFound);
  EXPECT_EQ(Vitrine({"rollout", "start", "old:1"}).exit_code, kExitConflict) << "it serves";
  EXPECT_EQ(Vitrine({"rollout", "start", "good:1", "--policy", file}).exit_code, 0);
  EXPECT_EQ(Vitrine({"rollout", "promote", "rollout-000002"}).exit_code, 0);
  EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["champion"], "good:1");
  EXPECT_EQ(Ask(client, 1)["model"], "good:1");
  // Somebody else moves the champion under a rollout.
  EXPECT_EQ(Vitrine({"rollout", "start", "old:1", "--policy", file}).exit_code, 0);
  EXPECT_EQ(Vitrine({"model", "promote", "bad:1"}).exit_code, 0);
  std::string state;
  for (const auto until = After(std::chrono::seconds(20));
       state != "rolled_back" && std::chrono::steady_clock::now() < until;) {
    state = Get(client, "/v1/rollouts/rollout-000003")["state"];
    std::this_thread::yield();
  }
  EXPECT_EQ(state, "rolled_back");
  EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["champion"], "bad:1");
}

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
