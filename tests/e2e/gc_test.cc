// Old files go and what serves, goes back or is trained on stays; by hand, by schedule, and whatever dies on the way.
// Rounds: VITRINE_CRASH_ROUNDS (default 6). The seed is printed.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/exit_code.h"
#include "e2e/retraining_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

class Gc : public Retraining {
 protected:
  static std::vector<std::string> Settings(const std::string& schedule = "") {
    return {"--set", "train.specs=popularity",
            "--set", "gate.min_cases=5",
            "--set", "gc.versions=1",
            "--set", "gc.snapshots=1",
            "--set", "gc.days=0",
            "--set", "gc.schedule=" + schedule};
  }
  json Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data(), "--json"});
    const loop::ChildOutcome outcome = RunProgram("vitrine", std::move(arguments));
    EXPECT_EQ(outcome.exit_code, kExitOk) << outcome.output << outcome.last_error_lines;
    const std::size_t begin = outcome.output.find("{\n");
    return json::parse(begin == std::string::npos ? "" : outcome.output.substr(begin), nullptr,
                       false);
  }
  /// Days of purchases from `day` on, each with a turn: two versions and a snapshot a day.
  void Train(const RunningServer& server, int day, int days) const {
    for (int of = day; of < day + days; ++of) {
      PostPurchases(server, of);
      Vitrine({"retrain"});
    }
  }
  [[nodiscard]] std::set<std::string> Artifacts() const {
    std::set<std::string> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(data() + "/artifacts/sha256")) {
      if (entry.path().filename() == "manifest.json") {
        found.insert(entry.path().parent_path().filename().string());
      }
    }
    return found;
  }
  /// Those that are still some: of others the quarantine may stay, which later ones share.
  [[nodiscard]] std::size_t Snapshots() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(data() + "/lake/snapshots")) {
      count += std::filesystem::exists(entry.path() / "manifest.json") ? 1 : 0;
    }
    return count;
  }
  /// What champion and previous need is there, and serves.
  void ExpectServes(const RunningServer& server, const std::string& when) const {
    SCOPED_TRACE(when);
    const json aliases = Asked(server, "/v1/aliases")["aliases"];
    const std::set<std::string> artifacts = Artifacts();
    for (const char* alias : {"champion", "previous"}) {
      const std::string version = aliases[alias];
      const json shown = Asked(server, "/v1/models/" + version);
      EXPECT_TRUE(artifacts.contains(shown["artifact"].get<std::string>())) << alias << shown;
      EXPECT_EQ(shown["state"], "serving") << shown;
    }
    http::Client client = server.Client();
    // Whose history every version knows.
    ASSERT_TRUE(client
                    .Post("/v1/events",
                          R"([{"event":"view","event_id":"first","user_id":"first","item_id":"i1",)"
                          R"("ts":1700000000}])")
                    ->ok());
    const auto answer = client.Post("/v1/recommend", R"({"user_id":"first","n":3})");
    ASSERT_TRUE(answer.ok());
    EXPECT_TRUE(answer->ok()) << answer->body;
    EXPECT_EQ(json::parse(answer->body).value("fallback", ""), "") << answer->body;
  }
};

TEST_F(Gc, WhatNothingNeedsGoesAndTheWayBackStays) {
  RunningServer server(data(), Settings());
  ASSERT_TRUE(server.ok());
  Train(server, 0, 4);
  const std::set<std::string> before = Artifacts();
  ASSERT_EQ(before.size(), 8U);
  ASSERT_EQ(Snapshots(), 4U);

  const json would = Vitrine({"gc", "--dry-run"});
  EXPECT_EQ(would["dry_run"], true);
  EXPECT_EQ(would["versions"],
            (json::array({"popularity:1", "popularity:2", "popularity:3", "popularity:4"})))
      << would;
  EXPECT_EQ(Artifacts(), before);
  EXPECT_TRUE(Vitrine({"gc", "--days", "1"})["versions"].empty()) << "all are young";

  const json done = Vitrine({"gc"});
  EXPECT_EQ(done["versions"], would["versions"]);
  EXPECT_EQ(done["snapshots"].size(), 2U) << done;
  EXPECT_EQ(done["bytes"], would["bytes"]);
  EXPECT_EQ(Artifacts().size(), 4U);
  EXPECT_EQ(Snapshots(), 2U) << "the one that the way back was fitted on stays with it";
  ExpectServes(server, "after gc");
  EXPECT_TRUE(Vitrine({"gc"})["versions"].empty());

  json audited = json::object();
  const json page = Asked(server, "/v1/audit?limit=100");
  for (const json& entry : page["entries"]) {
    if (entry["action"] == "gc") {
      EXPECT_FALSE(audited.contains(entry["subject"])) << "once each";
      audited[entry["subject"]] = entry["evidence"];
    }
  }
  EXPECT_EQ(audited["artifacts"]["versions"], done["versions"]) << audited;
  EXPECT_EQ(audited["snapshots"]["snapshots"], done["snapshots"]) << audited;

  // A version without files is history: it is shown, and cannot serve.
  const json gone = Asked(server, "/v1/models/popularity:2");
  EXPECT_EQ(gone["version"], "popularity:2");
  const loop::ChildOutcome refused =
      RunProgram("vitrine", {"--data", data(), "model", "promote", "popularity:2"});
  EXPECT_NE(refused.exit_code, kExitOk);
  EXPECT_NE(refused.last_error_lines.find("the files of popularity:2 are gone"), std::string::npos)
      << refused.last_error_lines;
  EXPECT_EQ(RunProgram("vitrine", {"--data", data(), "model", "rollback"}).exit_code, kExitOk);
  ExpectServes(server, "after the roll back");
  Train(server, 4, 1);
  ExpectServes(server, "after the next turn");
}

TEST_F(Gc, TheScheduleStartsItAndAWrongOneIsSaid) {
  {
    RunningServer server(data(), Settings("* * * * *"));
    ASSERT_TRUE(server.ok());
    Train(server, 0, 3);
    const json page = Until(server, "/v1/jobs", [](const json& jobs) {
      return jobs["jobs"][0]["kind"] == "gc" && jobs["jobs"][0]["state"] == "succeeded";
    });
    EXPECT_EQ(page["jobs"][0]["actor"], "trigger:schedule");
    ExpectServes(server, "by schedule");
  }
  const auto refused = RunProgram("vitrine", {"--data", data(), "--set", "gc.schedule=nightly",
                                              "up", "--set", "server.listen=127.0.0.1:0"});
  EXPECT_NE(refused.exit_code, kExitOk);
  EXPECT_NE(refused.last_error_lines.find("gc.schedule"), std::string::npos)
      << refused.last_error_lines;
  const auto nonsense = RunProgram("vitrine", {"--data", data(), "gc", "--days", "-3"});
  EXPECT_NE(nonsense.last_error_lines.find("gc.days must be 0 to"), std::string::npos)
      << nonsense.last_error_lines;
}

TEST_F(Gc, KilledAnywhereItLosesNothingAndEndsAtTheNextStart) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  int day = 0;
  {
    RunningServer server(data(), Settings());
    ASSERT_TRUE(server.ok());
    Train(server, day, 2);
    day += 2;
    EXPECT_EQ(server.Stop(), 0);
  }
  for (int round = 0; round < CrashRounds(); ++round) {
    std::string id;
    {
      RunningServer server(data(), Settings());
      ASSERT_TRUE(server.ok());
      Train(server, day, 2);
      day += 2;
      http::Client client = server.Client();
      const auto job = client.Post("/v1/jobs", R"({"kind":"gc"})");
      ASSERT_TRUE(job.ok() && job->ok());
      id = json::parse(job->body)["id"];
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
      server.Kill();
    }
    RunningServer server(data(), Settings());
    ASSERT_TRUE(server.ok());
    Until(server, "/v1/jobs/" + id, [](const json& job) { return job["state"] == "succeeded"; });
    EXPECT_EQ(Artifacts().size(), 4U) << "round " << round;
    EXPECT_EQ(Snapshots(), 2U) << "round " << round;
    ExpectServes(server, "after the restart");
    EXPECT_EQ(server.Stop(), 0);
  }
}

}  // namespace
}  // namespace vitrine::e2e
