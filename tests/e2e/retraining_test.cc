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
#include "e2e/retraining_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

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
