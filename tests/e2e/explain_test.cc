// Why items are shown, why others are not, and what a version's answers rest on, as an operator asks it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/exit_code.h"
#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

class ExplainProgram : public testing::Test {
 protected:
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  [[nodiscard]] loop::ChildOutcome Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data()});
    return RunProgram("vitrine", std::move(arguments));
  }
  [[nodiscard]] json VitrineJson(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const auto outcome = Vitrine(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, kExitOk) << outcome.last_error_lines;
    return json::parse(outcome.output, nullptr, false);
  }
  void MakeShop() {
    const std::string shop = WriteSmallShop(folder_.path());
    const auto trained = Vitrine({"run", shop, "--mapping", shop + "/shop.toml", "--protocol",
                                  "leave-one-out", "--spec", "item-knn", "--spec", "popularity",
                                  "--no-serve", "--set", "gate.min_cases=10"});
    ASSERT_EQ(trained.exit_code, kExitOk) << trained.last_error_lines;
  }

  Folder folder_;
};

TEST_F(ExplainProgram, AnswersWhyNotAndWhatVersionsRestOn) {
  ASSERT_NO_FATAL_FAILURE(MakeShop());
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  const auto post = [&client](const json& body) {
    const auto answer = client.Post("/v1/recommend", body.dump());
    EXPECT_TRUE(answer.ok() && answer->ok()) << (answer.ok() ? answer->body : "");
    return json::parse(answer.ok() ? answer->body : "{}", nullptr, false);
  };
  const json asked = {{"n", 3}, {"history", json::array({"i1", "i2"})}};
  const json full = post(asked);
  ASSERT_EQ(full["items"].size(), 3U) << full;
  const std::string best = full["items"][0]["item_id"];
  json narrower = asked;
  narrower["filter"] = {{"exclude", {best}}};
  narrower["explain"] = true;
  narrower["why_not"] = {best};
  narrower["removed"] = 5;
  const json answer = post(narrower);
  EXPECT_EQ(answer["why_not"][0]["why"][0]["cause"], "excluded");
  EXPECT_EQ(answer["why_not"][0]["model_rank"], 1);
  ASSERT_EQ(answer["removed"].size(), 1U) << answer;
  EXPECT_EQ(answer["removed"][0]["item_id"], best);
  // Every part adds up, of what is shown and of what is not.
  std::vector<json> explained(answer["items"].begin(), answer["items"].end());
  explained.push_back(answer["why_not"][0]);
  for (const json& item : explained) {
    double sum = 0;
    for (const json& reason : item["reasons"]) {
      sum += reason["contribution"].get<double>();
    }
    EXPECT_NEAR(sum, item["score"].get<double>(), 1e-6) << item;
  }
  // The kept answer, by the command line: what it had no filter for is only outranked.
  const std::string id = full["request_id"];
  const std::string last = "i9";
  const json kept = VitrineJson({"explain", id, "--why-not", last, "--removed", "3"});
  EXPECT_EQ(kept["same_answer_now"], true) << kept;
  ASSERT_EQ(kept["why_not"].size(), 1U);
  const auto text = Vitrine({"explain", id, "--why-not", last, "--language", "zh"});
  EXPECT_EQ(text.exit_code, kExitOk) << text.last_error_lines;
  EXPECT_NE(text.output.find("Why not:"), std::string::npos) << text.output;
  EXPECT_EQ(Vitrine({"explain", id, "--why-not", "no-such-item"}).exit_code, kExitNotFound);
  EXPECT_EQ(Vitrine({"explain", "no-such-answer"}).exit_code, kExitNotFound);

  // What the versions rest on: made by a job where it is missing, then read.
  const auto missing = client.Get("/v1/models/champion/explanation");
  ASSERT_TRUE(missing.ok());
  EXPECT_EQ(missing->status, 404) << missing->body;
  EXPECT_NE(missing->body.find("vitrine model explain"), std::string::npos);
  const json report = VitrineJson({"model", "explain", "champion", "--cases", "30"});
  EXPECT_GT(report["reference"]["answers"], 10) << report;
  EXPECT_EQ(report["reference"]["exact"], report["reference"]["answers"]);
  EXPECT_TRUE(report["live"].is_null());
  double share = 0;
  for (const json& row : report["reference"]["segments"][0]["recency"]) {
    share += row["share"].get<double>();
  }
  EXPECT_NEAR(share, 1, 1e-9);
  const json compared =
      VitrineJson({"model", "explain", "item-knn:1", "--against", "popularity:1", "--cases", "30"});
  EXPECT_TRUE(compared["comparison"].is_object()) << compared;
  EXPECT_TRUE(compared["against"]["version"] == "popularity:1");
  EXPECT_EQ(Vitrine({"model", "explain", "moon:1"}).exit_code, kExitNotFound);
  EXPECT_EQ(server.Stop(), kExitOk);
}

}  // namespace
}  // namespace vitrine::e2e
