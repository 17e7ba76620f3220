/// What tests of turns that start by themselves share: a shop's purchases, and questions until an answer holds.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/time.h"
#include "e2e/data_folder.h"
#include "e2e/programs.h"

namespace vitrine::e2e {

/// Of tests that kill the server: VITRINE_CRASH_ROUNDS (default 6).
inline int CrashRounds() {
  const char* rounds = std::getenv("VITRINE_CRASH_ROUNDS");
  return rounds == nullptr ? 6 : std::atoi(rounds);
}

class Retraining : public DataFolder {
 protected:
  static nlohmann::json Asked(const RunningServer& server, const std::string& path) {
    http::Client client = server.Client();
    const auto answer = client.Get(path);
    EXPECT_TRUE(answer.ok() && answer->ok()) << path;
    return answer.ok() ? nlohmann::json::parse(answer->body, nullptr, false) : nlohmann::json();
  }
  /// Asks until `holds` does; the last answer.
  static nlohmann::json Until(const RunningServer& server, const std::string& path,
                              const std::function<bool(const nlohmann::json&)>& holds) {
    const auto deadline = After(std::chrono::minutes(2));
    nlohmann::json answer = Asked(server, path);
    while (!holds(answer) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      answer = Asked(server, path);
    }
    EXPECT_TRUE(holds(answer)) << path << ": " << answer;
    return answer;
  }
  /// 40 shoppers who bought six of the 17 goods that are new on this day. One request: a look sees all of it or nothing.
  static void PostPurchases(const RunningServer& server, int day = 0) {
    nlohmann::json events = nlohmann::json::array();
    for (int user = 0; user < 40; ++user) {
      for (int i = 0; i < 6; ++i) {
        events.push_back({{"event", "purchase"},
                          {"user_id", "u" + std::to_string(user)},
                          {"item_id", "i" + std::to_string((user + i * i) % 17 + 17 * day)},
                          {"ts", 1'700'000'000 + 86'400 * day + 3600 * i + user}});
      }
    }
    http::Client client = server.Client();
    const auto posted = client.Post("/v1/events", nlohmann::json({{"events", events}}).dump());
    ASSERT_TRUE(posted.ok() && posted->ok());
  }
  static std::vector<nlohmann::json> Turns(const RunningServer& server) {
    std::vector<nlohmann::json> turns;
    const nlohmann::json page = Asked(server, "/v1/jobs");
    for (const nlohmann::json& job : page["jobs"]) {
      if (job["kind"] == "retrain") {
        turns.push_back(job);
      }
    }
    return turns;
  }

  const std::vector<std::string> settings_ = {
      "--set", "retrain.triggers=drift", "--set", "retrain.every_seconds=1",
      "--set", "retrain.min_events=200", "--set", "train.specs=popularity",
      "--set", "gate.min_cases=5"};
};

}  // namespace vitrine::e2e
