// A candidate on its way to users, on the real server over HTTP: a good one becomes champion, a bad one leaves by
// itself, a sale holds the last step, and a person leads.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/exit_code.h"
#include "core/time.h"
#include "e2e/data_folder.h"
#include "e2e/rollout_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

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
  const std::string quiet = DeclareSale(client, "singles day");
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

TEST_F(RolloutTest, ShoppersChooseBetweenTwoListsInOne) {
  // contrary:1 shows first what a shopper did not look at.
  EXPECT_EQ(Imported({Write("contrary.onnx", Model(-1, false)), "--name", "contrary", "--features",
                      Write("spec.json", spec_), "--vocabulary", Write("ids.txt", list_)}),
            "contrary:1");
  RunningServer server(data(), quick_);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  Browse(client, 300, 3);
  const json policy = {{"stages",
                        {{{"kind", "interleaving"},
                          {"share", 1},
                          {"seconds", 0},
                          {"answers", 600},
                          {"users", 250}}}},
                       {"guardrails", {{{"metric", "errors"}, {"loss", 0.05}}}}};
  // Everybody clicks what they looked at before.
  const auto shop_until_it_ends = [&](const std::string& id) {
    json now = Get(client, "/v1/rollouts/" + id);
    for (const auto end = After(std::chrono::seconds(120));
         now["state"] == "running" && std::chrono::steady_clock::now() < end;) {
      for (int user = 0; user < 300; ++user) {
        const json answer = Ask(client, user);
        if (!answer.contains("arm")) {
          continue;  // it has ended
        }
        EXPECT_EQ(answer["arm"], "interleaved");
        for (const json& item : answer["items"]) {
          if (item["item_id"] == ItemId(3)) {
            Click(client, {{"items", {item}}, {"request_id", answer["request_id"]}}, user);
          }
        }
      }
      now = Get(client, "/v1/rollouts/" + id);
    }
    return now;
  };
  const std::string worse = Start(client, "contrary:1", policy)["id"];
  const json asked = Ask(client, 1);
  const std::string request = asked["request_id"];
  const json explained = Get(client, "/v1/requests/" + request + "?explain=true");
  ASSERT_EQ(explained["items"].size(), 5U);
  for (const json& item : explained["items"]) {
    double sum = 0;
    for (const json& reason : item["reasons"]) {
      sum += reason["contribution"].get<double>();
    }
    EXPECT_NEAR(sum, item["score"].get<double>(), 1e-6) << "by the version that picked it" << item;
  }
  std::set<std::string> teams;
  const json kept = Get(client, "/v1/requests/" + request);
  EXPECT_EQ(kept["candidate"], "contrary:1") << kept;
  for (const json& item : kept["items"]) {
    teams.insert(item.value("team", ""));
  }
  EXPECT_EQ(teams, (std::set<std::string>{"candidate", "control"}));
  const json stopped = shop_until_it_ends(worse);
  EXPECT_EQ(stopped["state"], "rolled_back") << stopped;
  EXPECT_NE(stopped["reason"].get<std::string>().find("prefer the control's items"),
            std::string::npos)
      << stopped;
  EXPECT_LT(Entries(client, worse).back()["evidence"]["preference"]["interval"][1], 0);

  // The other way round the candidate's items are taken, and it becomes champion.
  EXPECT_EQ(Vitrine({"model", "promote", "contrary:1"}).exit_code, 0);
  const json promoted = shop_until_it_ends(Start(client, "old:1", policy)["id"]);
  EXPECT_EQ(promoted["state"], "promoted") << promoted;
  EXPECT_EQ(Get(client, "/v1/aliases")["aliases"]["champion"], "old:1");
  const json quality = Get(client, "/v1/monitors/quality");
  std::set<std::string> counted;
  for (const json& row : quality["rows"]) {
    counted.insert(row["model"].get<std::string>());
  }
  EXPECT_TRUE(counted.contains("interleaved")) << "neither version's" << quality;
}

TEST_F(RolloutTest, WhatACandidateWouldHaveEarnedIsReadFromAnotherEnginesLog) {
  // Four items shown alike; only i1, which the candidate always shows, earns: 1 of 2 times.
  std::string log;
  for (int row = 0; row < 800; ++row) {
    const int item = row % 4;
    log += json({{"request_id", "r" + std::to_string(row)},
                 {"user_id", "u" + std::to_string(row % 160)},
                 {"item_id", "i" + std::to_string(item)},
                 {"position", 0},
                 {"propensity", 0.25},
                 {"reward", item == 1 && row % 8 == 1 ? 1 : 0},
                 {"candidate_probability", item == 1 ? 1 : 0}})
               .dump() +
           "\n";
  }
  const std::string path = Write("theirs.jsonl", log);
  const json report =
      json::parse(RunProgram("vitrine", {"--json", "rollout", "estimate", "--log", path}).output,
                  nullptr, false);
  EXPECT_EQ(report["rows"], 800);
  EXPECT_EQ(report["users"], 160);
  EXPECT_DOUBLE_EQ(report["logged"]["value"], 0.125);
  EXPECT_DOUBLE_EQ(report["snips"]["value"], 0.5);
  EXPECT_LT(report["snips"]["low"], 0.5);
  EXPECT_GT(report["snips"]["high"], 0.5);
  EXPECT_TRUE(report["problems"].empty()) << report;
  const auto text = RunProgram("vitrine", {"rollout", "estimate", "--log", path, "--clip", "2"});
  EXPECT_EQ(text.exit_code, kExitOk);
  EXPECT_NE(text.output.find("SNIPS"), std::string::npos) << text.output;
  EXPECT_NE(text.output.find("problem:"), std::string::npos) << "half of the weight is cut away";

  const std::string broken = Write("broken.jsonl", log + R"({"request_id":"r","user_id":"u"})");
  const auto refused = RunProgram("vitrine", {"rollout", "estimate", "--log", broken});
  EXPECT_EQ(refused.exit_code, kExitUsage);
  EXPECT_NE(refused.last_error_lines.find("broken.jsonl: line 801: item_id: is missing"),
            std::string::npos)
      << refused.last_error_lines;
  EXPECT_EQ(RunProgram("vitrine", {"rollout", "estimate", "--log", "none.jsonl"}).exit_code,
            kExitNotFound);
  EXPECT_NE(
      RunProgram("vitrine", {"rollout", "estimate", "--log", Write("empty.jsonl", "")}).exit_code,
      kExitOk);
}

}  // namespace
}  // namespace vitrine::e2e
