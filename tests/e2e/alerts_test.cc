// Alerts of the running program: a rule fires, a receiver is told, and a kill loses nothing that was acknowledged.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/exit_code.h"
#include "e2e/programs.h"
#include "transport/http/collector_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kSecret = "a-secret-that-signs";

class Alerts : public testing::Test {
 protected:
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() + "/" + name) << text;
    return folder_.path() + "/" + name;
  }
  [[nodiscard]] std::vector<std::string> Settings() const {
    return {
        "--set", "alerts.every_seconds=1",
        "--set", "alerts.gather_seconds=0",
        "--set", "alerts.allow_private=127.0.0.0/8",
        "--set", "channel.ops.kind=webhook",
        "--set", "channel.ops.url_file=" + Write("url", receiver_.url() + "/hook/token-of-mine"),
        "--set", "channel.ops.secret_file=" + Write("secret", kSecret)};
  }
  [[nodiscard]] loop::ChildOutcome Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data()});
    return RunProgram("vitrine", std::move(arguments));
  }
  /// The open alert of a rule; waits for it.
  static json WaitForAlert(http::Client& client, const std::string& rule) {
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < until) {
      const auto answer = client.Get("/v1/alerts?state=open");
      const json page = json::parse(answer.ok() ? answer->body : "{}", nullptr, false);
      for (const json& alert : page.value("alerts", json::array())) {
        if (alert["rule"] == rule) {
          return alert;
        }
      }
    }
    ADD_FAILURE() << rule << " does not fire";
    return {};
  }

  Folder folder_;
  mutable http::TestCollector receiver_;
};

TEST_F(Alerts, AKillLosesNoRuleNoAcknowledgementAndNoMessage) {
  std::string id;
  {
    RunningServer server(data(), Settings());
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    ASSERT_TRUE(
        client
            .Post("/v1/events", R"({"event":"view","user_id":"u","item_id":"i","ts":1700000000})")
            ->ok());
    receiver_.Say(503);
    // Fires at the first look: silence is never below nothing.
    const auto put = client.Send("PUT", "/v1/alert-rules/quiet-shop",
                                 R"({"name":"quiet-shop","signal":"data.silence_seconds",
                                     "warning":0,"bad_for_seconds":0,"runbook":"wake them"})");
    ASSERT_EQ(put->status, 200) << put->body;
    id = WaitForAlert(client, "quiet-shop")["id"];
    EXPECT_EQ(json::parse(receiver_.Wait(1)[0].body)["attempt"], 1);
    const auto done = client.Post("/v1/alerts/" + id + ":acknowledge", R"({"note":"mine"})");
    ASSERT_EQ(done->status, 200) << done->body;
    ASSERT_EQ(client
                  .Post("/v1/quiet-times",
                        R"({"rule":"slow-answers","until":"2040-01-01T00:00:00Z",
                            "from":"2039-12-01T00:00:00Z","why":"a test"})")
                  ->status,
              201);
    server.Kill();
  }
  RunningServer server(data(), Settings());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  const json alert = json::parse(client.Get("/v1/alerts/" + id)->body);
  EXPECT_EQ(alert["state"], "acknowledged") << alert;
  EXPECT_EQ(alert["note"], "mine");
  EXPECT_EQ(client.Get("/v1/alert-rules/quiet-shop")->status, 200);
  EXPECT_EQ(json::parse(client.Get("/v1/quiet-times")->body)["quiet_times"].size(), 1U);
  // What the receiver had refused goes again.
  const auto calls = receiver_.Wait(2);
  EXPECT_EQ(calls[1].path, "/hook/token-of-mine");
  const json message = json::parse(calls[1].body);
  EXPECT_EQ(message["changes"][0]["alert"]["rule"], "quiet-shop") << message;
  EXPECT_EQ(message["id"], json::parse(calls[0].body)["id"]) << "the same message";
  EXPECT_NE(message["body"].get<std::string>().find("wake them"), std::string::npos);
  EXPECT_EQ(server.Stop(), 0);

  for (const auto& entry : fs::directory_iterator(data())) {
    if (entry.is_regular_file()) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      EXPECT_EQ(text.find(kSecret), std::string::npos) << entry.path();
      EXPECT_EQ(text.find("token-of-mine"), std::string::npos) << entry.path();
    }
  }
}

TEST_F(Alerts, TheCommandsSayWhatThereIsAndWhatToDoNext) {
  RunningServer server(data(), Settings());
  ASSERT_TRUE(server.ok());
  EXPECT_NE(Vitrine({"alert", "list"}).output.find("vitrine alert rules list"), std::string::npos);
  EXPECT_NE(Vitrine({"alert", "deliveries"}).output.find("vitrine alert test"), std::string::npos);
  EXPECT_NE(Vitrine({"alert", "silences"}).output.find("vitrine alert silence --rule"),
            std::string::npos);
  EXPECT_NE(Vitrine({"alert", "channels"}).output.find("webhook"), std::string::npos);
  EXPECT_NE(Vitrine({"alert", "test", "ops"}).output.find("took the message"), std::string::npos);
  receiver_.Say(500);
  const auto failed = Vitrine({"alert", "test", "ops"});
  EXPECT_EQ(failed.exit_code, kExitUnavailable) << failed.last_error_lines;

  http::Client client = server.Client();
  ASSERT_TRUE(
      client.Post("/v1/events", R"({"event":"view","user_id":"u","item_id":"i","ts":1700000000})")
          ->ok());
  const std::string file = Write(
      "rule.json",
      R"([{"name":"quiet-shop","signal":"data.silence_seconds","warning":0,"bad_for_seconds":0}])");
  EXPECT_EQ(Vitrine({"alert", "rules", "set", file}).exit_code, kExitOk);
  const std::string id = WaitForAlert(client, "quiet-shop")["id"];
  EXPECT_NE(Vitrine({"status"}).output.find("alert     warning quiet-shop"), std::string::npos);
  EXPECT_NE(Vitrine({"alert", "list"}).output.find(id), std::string::npos);
  EXPECT_EQ(Vitrine({"alert", "ack", id, "--note", "mine"}).exit_code, kExitOk);
  EXPECT_EQ(json::parse(Vitrine({"alert", "show", id}).output)["note"], "mine");
  const auto silence = Vitrine(
      {"--json", "alert", "silence", "--rule", "quiet-shop", "--for", "90m", "--why", "a test"});
  ASSERT_EQ(silence.exit_code, kExitOk) << silence.last_error_lines;
  const std::string quiet = json::parse(silence.output)["id"];
  EXPECT_EQ(Vitrine({"alert", "unsilence", quiet}).exit_code, kExitOk);
  EXPECT_EQ(Vitrine({"alert", "rules", "remove", "quiet-shop"}).exit_code, kExitOk);
  EXPECT_EQ(Vitrine({"alert", "rules", "show", "quiet-shop"}).exit_code, kExitNotFound);
  EXPECT_EQ(Vitrine({"alert", "silence", "--rule", "x", "--for", "soon", "--why", "w"}).exit_code,
            kExitUsage);
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace vitrine::e2e
