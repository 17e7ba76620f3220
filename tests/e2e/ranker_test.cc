// A ranker from a shop's log to the answers of a scene: trained, judged, probed, registered, served, explained.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/exit_code.h"
#include "e2e/data_folder.h"
#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

class TrainedRanker : public DataFolder {
 protected:
  /// 60 shoppers look at 14 of 17 goods, and buy those of small numbers more often.
  void MakeShop() const {
    std::string log = "event,user,item,time\n";
    unsigned random = 7;
    const auto below = [&random](unsigned n) {
      random = random * 1664525U + 1013904223U;
      return (random >> 16) % n;
    };
    for (unsigned user = 0; user < 60; ++user) {
      for (unsigned i = 0; i < 14; ++i) {
        const unsigned item = below(17);
        const bool bought = below(17) > item;
        log += std::string(bought ? "purchase" : "view") + ",u" + std::to_string(user) + ",i" +
               std::to_string(item) + "," +
               std::to_string(1'700'000'000 + 90'000 * i + 300 * user) + "\n";
      }
    }
    const std::string path = Write("log.csv", log);
    const std::string mapping = Write("shop.toml", R"(name = "small"
[[events]]
files = ["log.csv"]
format = "csv"
[events.fields]
event = "event"
user_id = "user"
item_id = "item"
ts = "time"
)");
    const auto trained =
        RunProgram("vitrine", {"--data", data(), "run", path, "--mapping", mapping, "--protocol",
                               "leave-one-out", "--spec", "popularity", "--no-serve", "--set",
                               "gate.min_cases=10"});
    ASSERT_EQ(trained.exit_code, kExitOk) << trained.last_error_lines;
  }
  [[nodiscard]] std::string Snapshot() const {
    for (const auto& entry : std::filesystem::directory_iterator(data() + "/lake/snapshots")) {
      return entry.path().string();
    }
    return "";
  }
};

TEST_F(TrainedRanker, OrdersASceneAndSaysWhy) {
  ASSERT_NO_FATAL_FAILURE(MakeShop());
  const std::string protocol = Write("rows.toml",
                                     "name = \"rows\"\nkind = \"labelled\"\n"
                                     "events = [\"view\", \"purchase\"]\n"
                                     "target_events = [\"purchase\"]\n");
  const std::string artifact = folder_.path() + "/lr";
  const std::string holdout = folder_.path() + "/rows.jsonl";
  const json trained = Said("vitrine-trainer", {"train", "--snapshot", Snapshot(), "--spec", "lr",
                                                "--protocol", protocol, "--out", artifact});
  EXPECT_EQ(trained["kind"], "ranker") << trained;
  EXPECT_EQ(trained["rows"], 756) << trained;  // nine of ten of 840
  const json split = Said("vitrine-trainer", {"split", "--snapshot", Snapshot(), "--protocol",
                                              protocol, "--out", holdout});
  EXPECT_EQ(split["test"], 84) << split;

  // Judged by the program that serves it, and against another ranker, row by row.
  const json report =
      Said("vitrine", {"--json", "eval", "run", artifact, "--holdout", holdout, "--rows"});
  const json& all = report["slices"][0];
  EXPECT_EQ(all["cases"], 84);
  EXPECT_GT(all["metrics"]["auc"]["mean"], 0.6) << all;
  EXPECT_LT(all["metrics"]["log_loss"]["mean"], 0.69) << all;
  const std::string trees = folder_.path() + "/gbdt";
  Said("vitrine-trainer", {"train", "--snapshot", Snapshot(), "--spec", "gbdt", "--protocol",
                           protocol, "--out", trees});
  const json other =
      Said("vitrine", {"--json", "eval", "run", trees, "--holdout", holdout, "--rows"});
  const json verdict =
      Said("vitrine", {"--json", "eval", "compare", Write("lr.json", report.dump()),
                       Write("gbdt.json", other.dump())});
  EXPECT_EQ(verdict["checks"].size(), 0U) << verdict;  // too few rows to decide anything
  EXPECT_NE(verdict["reasons"][0].get<std::string>().find("Only 84 cases"), std::string::npos);

  const json probe = Said("vitrine", {"--json", "model", "probe", artifact});
  EXPECT_EQ(probe["golden_rows"], 1);
  EXPECT_LT(probe["max_difference"], 1e-5) << probe;
  EXPECT_EQ(Said("vitrine", {"--data", data(), "--json", "model", "import", artifact})["version"],
            "lr:1");

  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  const auto alias = client.Send("PUT", "/v1/aliases/ranker", R"({"version":"lr:1"})");
  ASSERT_TRUE(alias.ok());
  ASSERT_EQ(alias->status, 200) << alias->body;
  const auto scene = client.Send(
      "PUT", "/v1/scenes/home",
      R"({"name":"home","ranker":"ranker","filters":{"exclude_seen":false,"exclude_unknown":false}})");
  ASSERT_EQ(scene->status, 200) << scene->body;
  const auto answer = client.Post("/v1/recommend", R"({"user_id":"u5","n":5,"explain":true})");
  ASSERT_EQ(answer->status, 200) << answer->body;
  const json body = json::parse(answer->body);
  EXPECT_EQ(body["personalised"], true) << body;
  EXPECT_EQ(body["model"], "lr:1") << body;
  ASSERT_EQ(body["items"].size(), 5U) << body;
  double before = 1;
  for (const json& item : body["items"]) {
    const double score = item["score"];
    EXPECT_GT(score, 0);
    EXPECT_LE(score, before);  // a probability, the best first
    before = score;
    double sum = 0;
    for (const json& reason : item["reasons"]) {
      sum += reason["contribution"].get<double>();
    }
    EXPECT_NEAR(sum, score, 1e-6) << item;
    EXPECT_GT(item["reasons"].size(), 1U) << item;  // what she did counts, beside the base
  }
  // Small numbers are bought more often than large ones.
  const std::string best = body["items"][0]["item_id"];
  EXPECT_LT(std::stoi(best.substr(1)), 8) << body;
  EXPECT_EQ(server.Stop(), kExitOk);
}

TEST_F(TrainedRanker, ATurnOfTheLoopDeploysIt) {
  ASSERT_NO_FATAL_FAILURE(MakeShop());
  const std::string protocol = Write("rows.toml",
                                     "name = \"rows\"\nkind = \"labelled\"\n"
                                     "events = [\"view\", \"purchase\"]\n"
                                     "target_events = [\"purchase\"]\n");
  const auto turn = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "--data",  data(),       "--json", "--set", "gate.min_cases=10",
        "retrain", "--protocol", protocol};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunProgram("vitrine", arguments);
  };
  const loop::ChildOutcome first = turn({"--spec", "gbdt", "--spec", "lr"});
  ASSERT_EQ(first.exit_code, kExitOk) << first.last_error_lines << first.output;
  const json deployed = json::parse(first.output);
  EXPECT_EQ(deployed["alias"], "ranker");
  EXPECT_EQ(deployed["metric"], "log_loss");  // train.metric is one of baskets
  EXPECT_TRUE(deployed["champion_before"].is_null());
  ASSERT_EQ(deployed["candidates"].size(), 2U) << deployed;
  const auto loss = [&](std::size_t i) {
    return deployed["candidates"][i]["metrics"]["log_loss"]["mean"].get<double>();
  };
  const std::size_t less = loss(0) <= loss(1) ? 0 : 1;  // of a loss, less is better
  EXPECT_EQ(deployed["judged"], deployed["candidates"][less]["version"]) << deployed;
  ASSERT_FALSE(deployed["promoted"].is_null()) << deployed;

  // The next one is judged against it, on the same rows.
  const loop::ChildOutcome second = turn({"--spec", "lr"});
  const json again = json::parse(second.output);
  EXPECT_EQ(again["champion_before"], deployed["promoted"]) << again;
  EXPECT_EQ(again["verdict"]["checks"][0]["metric"], "log_loss") << again;

  const json models = Said("vitrine", {"--data", data(), "--json", "model", "list"});
  EXPECT_NE(models.dump().find("popularity:1"), std::string::npos);  // what retrieves stays
  const loop::ChildOutcome refused = turn({"--spec", "lr", "--alias", "champion"});
  EXPECT_EQ(refused.exit_code, kExitFailure);
  EXPECT_NE(refused.last_error_lines.find("leave the alias out"), std::string::npos)
      << refused.last_error_lines;
}

TEST_F(TrainedRanker, ATableBecomesAGraphThatIsAskedByItsTensors) {
  std::string table = "pages,month,bought\n";
  for (int i = 0; i < 600; ++i) {
    const int pages = i * 7 % 50;
    const bool bought = (i * 31 % 60) < pages;
    table +=
        std::to_string(pages) + (i % 2 == 0 ? ",May," : ",June,") + (bought ? "1" : "0") + "\n";
  }
  const std::string csv = Write("sessions.csv", table);
  const std::string protocol =
      Write("rows.toml",
            "name = \"rows\"\nkind = \"labelled\"\ntest_rows = \"index mod 5 = 4\"\n"
            "validation_rows = \"index mod 5 = 3\"\n");
  const std::string artifact = folder_.path() + "/lr";
  const std::string holdout = folder_.path() + "/rows.jsonl";
  const std::vector<std::string> from = {"--table", csv,          "--label",
                                         "bought",  "--protocol", protocol};
  const auto with = [&from](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), from.begin(), from.end());
    return arguments;
  };
  const json trained =
      Said("vitrine-trainer", with({"train", "--spec", "lr-table", "--out", artifact}));
  EXPECT_EQ(trained["kind"], "graph") << trained;
  EXPECT_EQ(trained["rows"], 480);
  Said("vitrine-trainer", with({"split", "--out", holdout}));
  const json report = Said("vitrine", {"--json", "eval", "run", artifact, "--holdout", holdout});
  EXPECT_GT(report["slices"][0]["metrics"]["auc"]["mean"], 0.7) << report;
  // It serves by its tensors.
  EXPECT_EQ(Said("vitrine", {"--data", data(), "--json", "model", "import", artifact})["version"],
            "lr-table:1");
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  ASSERT_EQ(client.Post("/v2/repository/models/lr-table/load", "{}")->status, 200);
  const auto answer = client.Post("/v2/models/lr-table/infer", R"({"inputs":[
    {"name":"month","datatype":"INT64","shape":[2],"data":[2,3]},
    {"name":"pages","datatype":"FP32","shape":[2],"data":[-1.5,1.5]}]})");
  ASSERT_EQ(answer->status, 200) << answer->body;
  const json outputs = json::parse(answer->body)["outputs"];
  ASSERT_EQ(outputs[0]["name"], "probability") << outputs;
  EXPECT_LT(outputs[0]["data"][0], outputs[0]["data"][1]);

  // What is wrong with a table is said with row and column.
  const std::string broken = Write("broken.csv", "pages,bought\n1,0\n2,maybe\n3,1\n");
  const auto refused = RunProgram(
      "vitrine-trainer", {"train", "--table", broken, "--label", "bought", "--protocol", protocol,
                          "--spec", "lr-table", "--out", folder_.path() + "/none"});
  EXPECT_EQ(refused.exit_code, kExitUsage);
  EXPECT_NE(refused.last_error_lines.find("row 1 of column 'bought' is 'maybe'"), std::string::npos)
      << refused.last_error_lines;
  const auto unknown = RunProgram(
      "vitrine-trainer", {"train", "--table", csv, "--label", "buoght", "--protocol", protocol,
                          "--spec", "lr-table", "--out", folder_.path() + "/none"});
  EXPECT_NE(unknown.last_error_lines.find("did you mean 'bought'"), std::string::npos)
      << unknown.last_error_lines;
}

}  // namespace
}  // namespace vitrine::e2e
