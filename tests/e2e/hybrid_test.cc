// Several models as one, a network among them, from files to the API: served as it was evaluated, and
// explained; and a spec whose data do not support it does not end the turn.
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "core/exit_code.h"
#include "e2e/programs.h"
#include "e2e/served_as_evaluated.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

/// Shoppers of 150 goods in ten aisles: most steps go on in the aisle, to the good after the last one.
void WriteShop(const std::string& folder) {
  std::ofstream log(folder + "/log.csv", std::ios::binary);
  log << "user,item,time\n";
  std::mt19937 random(5);
  for (int user = 0; user < 500; ++user) {
    std::uint64_t good = random() % 150;
    for (int i = 0; i < 8; ++i) {
      log << "u" << user << ",i" << good << "," << 1'700'000'000 + 90'000 * i + user << "\n";
      const std::uint64_t aisle = random() % 5 == 0 ? random() % 10 : good / 15;
      good = aisle * 15 + (random() % 3 == 0 ? random() % 15 : (good + 1) % 15);
    }
  }
  WritePurchaseMapping(folder);
  std::ofstream(folder + "/joined.toml", std::ios::binary) << R"(algorithm = "hybrid"
name = "joined"
[parameters]
candidates = 20
rounds = 30
[[member]]
algorithm = "transitions"
[[member]]
algorithm = "item_knn"
[[member]]
algorithm = "popularity"
[[member]]
algorithm = "sasrec"
[member.parameters]
width = 16
length = 8
epochs = 2
)";
  // Brands and words are what it looks at, and this shop has no catalogue.
  std::ofstream(folder + "/hopeless.toml", std::ios::binary) << "algorithm = \"content\"\n"
                                                                "name = \"hopeless\"\n";
}

void ExpectPartsToAddUp(const std::string& data) {
  RunningServer server(data);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  const auto answer = client.Post(
      "/v1/recommend",
      json({{"n", 5}, {"history", {"i3", "i4", "i40", "i41"}}, {"explain", true}}).dump());
  ASSERT_TRUE(answer.ok() && answer->ok()) << answer->body;
  const json body = json::parse(answer->body);
  ASSERT_EQ(body["items"].size(), 5U) << body;
  for (const json& item : body["items"]) {
    double sum = 0;
    for (const json& reason : item["reasons"]) {
      sum += reason["contribution"].get<double>();
    }
    EXPECT_NEAR(sum, item["score"].get<double>(), 1e-6) << item;
    EXPECT_GE(item["reasons"].size(), 2U) << item;
  }
  EXPECT_EQ(server.Stop(), kExitOk);
}

TEST(Hybrid, IsServedAsEvaluatedAndExplained) {
  const Folder folder;
  WriteShop(folder.path());
  const std::string data = folder.path() + "/data";
  const auto run = RunProgram(
      "vitrine", {"--data", data, "--json", "run", folder.path(), "--mapping",
                  folder.path() + "/shop.toml", "--protocol", "leave-one-out", "--spec",
                  "popularity", "--spec", folder.path() + "/hopeless.toml", "--spec",
                  folder.path() + "/joined.toml", "--no-serve", "--set", "gate.min_cases=100"});
  ASSERT_EQ(run.exit_code, kExitOk) << run.last_error_lines;
  const json outcome = json::parse(run.output.substr(run.output.find('{')), nullptr, false);
  ASSERT_EQ(outcome["candidates"].size(), 2U) << run.output;
  EXPECT_EQ(outcome["promoted"], "joined:1") << run.output;
  ASSERT_EQ(outcome["failed"].size(), 1U) << run.output;
  EXPECT_NE(outcome["failed"][0]["spec"].get<std::string>().find("hopeless"), std::string::npos);
  EXPECT_NE(outcome["failed"][0]["reason"].get<std::string>().find("train-hopeless"),
            std::string::npos)
      << outcome["failed"];
  ExpectServedAsEvaluated(data, {"popularity", "joined"});
  ExpectPartsToAddUp(data);
}

TEST(Hybrid, WhereNoSpecGivesACandidateTheTurnFailsWithTheReason) {
  const Folder folder;
  WriteShop(folder.path());
  const auto run =
      RunProgram("vitrine", {"--data", folder.path() + "/data", "run", folder.path(), "--mapping",
                             folder.path() + "/shop.toml", "--protocol", "leave-one-out", "--spec",
                             folder.path() + "/hopeless.toml", "--no-serve"});
  EXPECT_NE(run.exit_code, kExitOk);
  EXPECT_NE(run.last_error_lines.find("catalogue"), std::string::npos) << run.last_error_lines;
}

}  // namespace
}  // namespace vitrine::e2e
