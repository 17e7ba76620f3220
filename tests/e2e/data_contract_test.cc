// The data contract as an operator meets it: learned, edited, kept, held against files and against a server's events.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/exit_code.h"
#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* kMapping = R"(
name = "till"
[[events]]
files = ["*.csv"]
default_event = "purchase"
[events.fields]
user_id = "customer"
item_id = "article"
order_id = "order"
ts = "at"
price = "price"
currency = { value = "EUR" }
)";

class DataContract : public testing::Test {
 protected:
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() + "/" + name) << text;
    return folder_.path() + "/" + name;
  }
  /// Fourteen days of March from `first` on; prices times `factor`.
  [[nodiscard]] std::string Sales(const std::string& name, int first, int days,
                                  double factor) const {
    std::string rows = "customer,article,order,at,price\n";
    for (int day = first; day < first + days; ++day) {
      for (int i = 0; i < 150 + day * 7 % 20; ++i) {
        const int draw = day * 131 + i * 17;
        rows +=
            fmt::format("c{},a{},o{}-{},2026-03-{:02} {:02}:{:02}:00,{:.2f}\n", draw % 40,
                        draw % 25, day, i, day, 8 + i / 15, i % 15 * 4, factor * (5 + draw % 30));
      }
    }
    return Write(name, rows);
  }
  [[nodiscard]] loop::ChildOutcome Vitrine(std::vector<std::string> arguments,
                                           int expected = kExitOk) const {
    arguments.insert(arguments.begin(), {"--data", data(), "--json"});
    loop::ChildOutcome outcome = RunProgram("vitrine", std::move(arguments));
    EXPECT_EQ(outcome.exit_code, expected) << outcome.output << outcome.last_error_lines;
    return outcome;
  }

  Folder folder_;
};

TEST_F(DataContract, IsLearnedEditedAndHeldAgainstFiles) {
  const std::string mapping = Write("till.toml", kMapping);
  const std::string march = Sales("march.csv", 1, 14, 1);
  static_cast<void>(Vitrine({"data", "import", march, "--mapping", mapping}));
  static_cast<void>(Vitrine({"data", "clean", "--as-of", "2026-04-01"}));
  static_cast<void>(Vitrine({"data", "contract", "show"}, kExitNotFound));
  static_cast<void>(Vitrine({"data", "check", "lake:"}, kExitNotFound));
  static_cast<void>(Vitrine({"data", "contract", "learn", "--reason", "the first", "--from",
                             "2026-03-01", "--until", "2026-03-15"}));
  json version = json::parse(Vitrine({"data", "contract", "show"}).output);
  EXPECT_EQ(version["version"], 1);
  EXPECT_EQ(version["reason"], "the first");
  EXPECT_EQ(version["contract"]["learned"]["days"], 14);

  // What it was learned from keeps it, and so do the next days; dearer ones do not.
  static_cast<void>(Vitrine({"data", "check", "lake:"}));
  const std::string later = Sales("later.csv", 15, 3, 1);
  const json fine = json::parse(Vitrine({"data", "check", later, "--mapping", mapping}).output);
  EXPECT_EQ(fine["contract"]["kept"], true) << fine["contract"].dump(1);
  const std::string dear = Sales("dear.csv", 15, 3, 100);
  const json found =
      json::parse(Vitrine({"data", "check", dear, "--mapping", mapping}, kExitGateFailed).output);
  bool range = false;
  for (const json& finding : found["contract"]["findings"]) {
    range = range ||
            (finding["rule"] == "purchase.price.range" && finding["count"] == finding["rows"] &&
             finding["example"].get<std::string>().find("item 'a") != std::string::npos);
  }
  EXPECT_TRUE(range) << found["contract"].dump(1);

  // A person says that prices may be so; the next learning leaves that alone.
  for (json& rule : version["contract"]["rules"]) {
    if (rule["id"] == "purchase.price.range") rule["at_most"] = 10000;
    if (rule["id"] == "purchase.price.mean") rule["enabled"] = false;
  }
  const std::string edited = Write("edited.json", version.dump());
  static_cast<void>(Vitrine({"data", "contract", "set", edited, "--reason", "prices in cents"}));
  static_cast<void>(
      Vitrine({"data", "contract", "set", edited, "--reason", "again"}, kExitConflict));
  const auto cheap = [&](int expected) {
    return Vitrine({"data", "check", dear, "--mapping", mapping}, expected);
  };
  static_cast<void>(cheap(kExitOk));
  static_cast<void>(
      Vitrine({"data", "contract", "learn", "--from", "2026-03-01", "--until", "2026-03-15"}));
  static_cast<void>(cheap(kExitOk));
  static_cast<void>(
      Vitrine({"data", "check", dear, "--mapping", mapping, "--contract", "1"}, kExitGateFailed));
  const json history = json::parse(Vitrine({"data", "contract", "history"}).output);
  ASSERT_EQ(history["versions"].size(), 3U);
  EXPECT_EQ(history["versions"][1]["reason"], "prices in cents");
  const json diff = json::parse(Vitrine({"data", "contract", "diff", "1", "2"}).output);
  EXPECT_EQ(diff["changes"].size(), 4U) << diff.dump(1);
  // Each is in the audit log.
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  const auto audit = server.Client().Get("/v1/audit");
  ASSERT_TRUE(audit.ok());
  EXPECT_NE(audit->body.find("data_contract.set"), std::string::npos) << audit->body;
  EXPECT_NE(audit->body.find("prices in cents"), std::string::npos);
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(DataContract, ReconcilesByItsExitCode) {
  const std::string mapping = Write("till.toml", kMapping);
  static_cast<void>(Vitrine({"data", "import", Sales("march.csv", 1, 3, 1), "--mapping", mapping}));
  const std::string source =
      Write("export.toml",
            "name = \"till\"\npaths = [\"march.csv\"]\n[columns]\nid = \"order\"\n"
            "item = \"article\"\ntime = \"at\"\namount = \"price\"\n");
  const json same = json::parse(Vitrine({"data", "reconcile", source}).output);
  EXPECT_EQ(same["agrees"], true);
  EXPECT_EQ(same["days"].size(), 3U);
  static_cast<void>(Sales("march.csv", 1, 3, 1.01));
  const json other = json::parse(Vitrine({"data", "reconcile", source}, kExitGateFailed).output);
  EXPECT_EQ(other["items"].size(), 10U) << "the worst items";
}

TEST_F(DataContract, LiveFindingsAndFeedsAreInTheReport) {
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  const json contract = {{"rules",
                          {{{"id", "view.scene.missing"},
                            {"kind", "missing"},
                            {"event", "view"},
                            {"field", "scene"},
                            {"hour", {{"low", 0}, {"high", 0.1}}}},
                           {{"id", "unknown_items"},
                            {"kind", "known_items"},
                            {"hour", {{"low", 0}, {"high", 0.1}}}}}}};
  const auto put = client.Send("PUT", "/v1/data-contract",
                               json({{"reason", "by hand"}, {"contract", contract}}).dump(),
                               {{"Content-Type", "application/json"}});
  ASSERT_TRUE(put.ok() && put->ok()) << put->body;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  json events = json::array();
  for (int i = 0; i < 200; ++i) {
    events.push_back({{"event", "view"},
                      {"user_id", "u1"},
                      {"item_id", "nobody-sells-this"},
                      {"ts", now + 600}});
  }
  const auto posted = client.Post("/v1/events", json({{"events", events}}).dump());
  ASSERT_TRUE(posted.ok() && posted->ok()) << posted->body;
  json report;
  const auto until = std::chrono::steady_clock::now() + 30s;
  do {
    const auto answer = client.Get("/v1/monitors/data");
    ASSERT_TRUE(answer.ok());
    report = json::parse(answer->body);
  } while (report["accepted"] != 200 && std::chrono::steady_clock::now() < until);
  EXPECT_EQ(report["contract"]["version"], 1);
  EXPECT_EQ(report["contract"]["rules"], 2);
  ASSERT_EQ(report["feeds"].size(), 1U);
  EXPECT_EQ(report["feeds"][0]["events"], 200);
  EXPECT_EQ(report["feeds"][0]["future"], 200) << "ten minutes ahead of the clock";
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace vitrine::e2e
