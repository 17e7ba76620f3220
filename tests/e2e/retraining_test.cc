// Turns that start by themselves: held during a sale, started after it, once, though the server dies in the middle.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/exit_code.h"
#include "core/time.h"
#include "e2e/data_folder.h"
#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

class Retraining : public DataFolder {
 protected:
  static json Asked(const RunningServer& server, const std::string& path) {
    http::Client client = server.Client();
    const auto answer = client.Get(path);
    EXPECT_TRUE(answer.ok() && answer->ok()) << path;
    return answer.ok() ? json::parse(answer->body, nullptr, false) : json();
  }
  /// Asks until `holds` does; the last answer.
  static json Until(const RunningServer& server, const std::string& path,
                    const std::function<bool(const json&)>& holds) {
    const auto deadline = After(std::chrono::minutes(2));
    json answer = Asked(server, path);
    while (!holds(answer) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      answer = Asked(server, path);
    }
    EXPECT_TRUE(holds(answer)) << path << ": " << answer;
    return answer;
  }
  /// 40 shoppers who bought six of 17 goods.
  static void PostPurchases(const RunningServer& server) {
    json events = json::array();
    for (int user = 0; user < 40; ++user) {
      for (int i = 0; i < 6; ++i) {
        events.push_back({{"event", "purchase"},
                          {"user_id", "u" + std::to_string(user)},
                          {"item_id", "i" + std::to_string((user + i * i) % 17)},
                          {"ts", 1'700'000'000 + 3600 * i + user}});
      }
    }
    http::Client client = server.Client();
    const auto posted = client.Post("/v1/events", json({{"events", events}}).dump());
    ASSERT_TRUE(posted.ok() && posted->ok());
  }
  static std::vector<json> Turns(const RunningServer& server) {
    std::vector<json> turns;
    const json page = Asked(server, "/v1/jobs");
    for (const json& job : page["jobs"]) {
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

TEST_F(Retraining, IsHeldByASaleAndStartsOnceAfterIt) {
  {
    RunningServer server(data(), settings_);
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    const std::string sale_id = DeclareSale(client, "singles day");
    PostPurchases(server);
    const json held =
        Until(server, "/v1/retraining", [](const json& view) { return !view["held"].empty(); });
    EXPECT_EQ(held["held"][0]["cause"], "first");
    EXPECT_NE(held["decision"]["reason"].get<std::string>().find("the sale \"singles day\""),
              std::string::npos)
        << held;
    EXPECT_TRUE(Turns(server).empty());
    const auto when = RunProgram("vitrine", {"--data", data(), "retrain", "--when"});
    EXPECT_EQ(when.exit_code, kExitOk);
    EXPECT_NE(when.output.find("held      first since"), std::string::npos) << when.output;

    const auto ended = client.Post("/v1/quiet-times/" + sale_id + ":end", "{}");
    ASSERT_TRUE(ended.ok() && ended->ok());
    Until(server, "/v1/jobs", [](const json& page) { return !page["jobs"].empty(); });
    server.Kill();  // in the middle of the turn, or right behind its start
  }
  RunningServer server(data(), settings_);
  ASSERT_TRUE(server.ok());
  Until(server, "/v1/jobs",
        [](const json& page) { return page["jobs"][0]["state"] == "succeeded"; });
  const json view = Until(server, "/v1/retraining", [](const json& seen) {
    return seen["looked"].is_string() &&
           seen["decision"]["reason"] != "A turn is already under way.";
  });
  EXPECT_EQ(view["decision"]["retrain"], false) << view;
  EXPECT_EQ(view["job"], json()) << view;
  const std::vector<json> turns = Turns(server);
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_EQ(turns[0]["actor"], "trigger:first");
  EXPECT_EQ(Asked(server, "/v1/aliases")["aliases"]["champion"],
            "popularity:2");  // the evaluated one, refitted
}

TEST_F(Retraining, SaysWhatIsWrongWithASetting) {
  for (const auto& [setting, says] : std::vector<std::pair<std::string, std::string>>{
           {"retrain.schedule=0 4 * *", "five fields"},
           {"retrain.triggers=drifts", "'drifts' is none"},
           {"retrain.every_seconds=0", "1 to 3600"}}) {
    const auto refused = RunProgram("vitrine", {"--data", data(), "--set", setting, "up", "--set",
                                                "server.listen=127.0.0.1:0"});
    EXPECT_EQ(refused.exit_code, kExitUsage) << setting;
    EXPECT_NE(refused.last_error_lines.find(says), std::string::npos) << refused.last_error_lines;
  }
  const auto off = RunProgram("vitrine", {"--data", data(), "retrain", "--when"});
  EXPECT_NE(off.output.find("No turn starts by itself"), std::string::npos) << off.output;
}

}  // namespace
}  // namespace vitrine::e2e
