// Rankers that were trained elsewhere, here and on another server, from a file to the answers of a scene.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/exit_code.h"
#include "data/feature_spec.h"
#include "e2e/import_testing.h"
#include "e2e/programs.h"
#include "graph/builder.h"

namespace vitrine::e2e {
namespace {

using graph::Builder;
using graph::Value;
using nlohmann::json;

/// scores[c] = item[c] + 100 * how many places of the one history hold the item.
std::string Ranker() {
  Builder b("ranker");
  const Value history = b.Input("history", DType::kInt64, {1, "length"});
  const Value item = b.Input("item", DType::kInt64, {"candidates", 1});
  const Value same = b.ReduceSum(b.Cast(b.Equal(item, history), DType::kFloat32), {1}, true);
  b.Output("scores", b.Add(b.Cast(item, DType::kFloat32), b.Mul(same, b.Scalar(100.0F))),
           DType::kFloat32, {"candidates", 1});
  return *b.Finish();
}

TEST_F(Import, ARankerOrdersWhatAScenesRetrieverFound) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const std::string history =
      R"({"name": "history", "op": "history_items", "source": "", "options": {"length": "5"}, "fitted": {}})";
  const std::string item =
      R"({"name": "item", "op": "candidate", "source": "", "options": {}, "fitted": {}})";
  const auto spec = [](const std::string& features) {
    return R"({"format": 1, "width": 6, "features": [)" + features + "]}";
  };
  const std::string list = Write("ids.txt", data::Vocabulary(ids).ToText());
  Imported({Write("m.onnx", Counter(6)), "--name", "counter", "--features",
            Write("spec.json", spec(history)), "--vocabulary", list});
  EXPECT_EQ(Imported({Write("r.onnx", Ranker()), "--name", "ctr", "--features",
                      Write("ranker.json", spec(history + "," + item)), "--vocabulary", list,
                      "--kind", "ranker"}),
            "ctr:1");
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  ASSERT_EQ(Vitrine({"model", "promote", "counter:1"}).exit_code, 0);
  const loop::ChildOutcome promoted = Vitrine({"model", "promote", "ctr:1"});
  EXPECT_EQ(promoted.exit_code, kExitConflict);
  EXPECT_NE(promoted.last_error_lines.find("is a ranker"), std::string::npos)
      << promoted.last_error_lines;
  http::Client client = server.Client();
  const auto alias = client.Send("PUT", "/v1/aliases/ctr", R"({"version":"ctr:1"})");
  ASSERT_EQ(alias->status, 200) << alias->body;
  const auto scene = [&client](const std::string& name, const std::string& more) {
    return client.Send("PUT", "/v1/scenes/" + name,
                       R"({"name":")" + name +
                           R"(","filters":{"exclude_seen":false,"exclude_unknown":false})" + more +
                           "}");
  };
  const auto refused = scene("home", R"(,"retriever":"ctr")");
  EXPECT_EQ(refused->status, 409) << refused->body;
  EXPECT_NE(refused->body.find("is a ranker"), std::string::npos) << refused->body;
  ASSERT_EQ(scene("home", R"(,"ranker":"ctr")")->status, 200);
  ASSERT_EQ(scene("article", R"(,"ranker":"ctr")")->status, 200);
  const auto ids_of = [](const std::string& body) {
    const json answer = json::parse(body, nullptr, false);
    std::string joined;
    for (const json& shown : answer["items"]) {
      joined += shown["item_id"].get<std::string>();
    }
    return joined;
  };
  const auto answer =
      client.Post("/v1/recommend", R"({"history":["c","b","c"],"n":4,"explain":true})");
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(ids_of(answer->body), "cbda") << answer->body;  // 204, 103, then the later first
  const json body = json::parse(answer->body);
  EXPECT_EQ(body["model"], "ctr:1");
  EXPECT_EQ(body["items"][0]["reasons"][0]["contribution"], 200.0) << answer->body;
  const auto rank = client.Post(
      "/v1/rank", R"({"candidates":[{"item_id":"a"},{"item_id":"x"},{"item_id":"d"}]})");
  ASSERT_EQ(rank->status, 200) << rank->body;
  EXPECT_EQ(ids_of(rank->body), "dax");
  EXPECT_EQ(json::parse(rank->body)["model"], "ctr:1");
}

// Two servers: one ranks by tensors for the scenes of the other.
TEST_F(Import, AnotherServerRanksUntilItIsGone) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const std::string list = Write("ids.txt", data::Vocabulary(ids).ToText());
  const std::string features =
      R"({"name": "history", "op": "history_items", "source": "", "options": {"length": "5"}, "fitted": {}})";
  const std::string item =
      R"({"name": "item", "op": "candidate", "source": "", "options": {}, "fitted": {}})";
  const auto spec = [](const std::string& made) {
    return R"({"format": 1, "width": 6, "features": [)" + made + "]}";
  };
  Imported({Write("m.onnx", Counter(6)), "--name", "counter", "--features",
            Write("spec.json", spec(features)), "--vocabulary", list});
  const std::string other = folder_.path() + "/other";
  const std::string model = Write("r.onnx", Ranker());
  ASSERT_EQ(RunProgram("vitrine", {"--data", other, "model", "import", model, "--name", "ctr",
                                   "--shape", "history=1,2"})
                .exit_code,
            0);
  RunningServer ranker(other);
  ASSERT_TRUE(ranker.ok());
  http::Client ranker_client = ranker.Client();
  ASSERT_EQ(ranker_client.Post("/v2/repository/models/ctr/load", "{}")->status, 200);

  RunningServer server(
      data(), {"--set", "remote.ctr.url=" + ranker.url(), "--set", "remote.ctr.deadline_ms=10000",
               "--set", "remote.ctr.features=" + Write("ranker.json", spec(features + "," + item)),
               "--set", "remote.ctr.vocabulary=" + list, "--set", "alerts.every_seconds=1"});
  ASSERT_TRUE(server.ok());
  ASSERT_EQ(Vitrine({"model", "promote", "counter:1"}).exit_code, 0);
  http::Client client = server.Client();
  const auto scene = client.Send(
      "PUT", "/v1/scenes/home",
      R"({"name":"home","ranker":"remote:ctr","deadline_ms":10000,"filters":{"exclude_seen":false}})");
  ASSERT_EQ(scene->status, 200) << scene->body;
  const auto ask = [&client](bool explain) {
    const json body = {{"history", {"c", "b", "c"}}, {"n", 4}, {"explain", explain}};
    const auto answer = client.Post("/v1/recommend", body.dump());
    EXPECT_EQ(answer->status, 200) << answer->body;
    return json::parse(answer->body, nullptr, false);
  };
  EXPECT_EQ(ask(false)["model"], "remote:ctr");
  const json ranked = ask(true);
  EXPECT_EQ(ranked["model"], "remote:ctr") << ranked;
  EXPECT_EQ(ranked["items"][0]["item_id"], "c") << ranked;
  EXPECT_EQ(ranked["items"][0]["score"], 204.0) << ranked;
  EXPECT_EQ(ranked["items"][0]["reasons"][0]["kind"], "outside") << ranked;
  EXPECT_EQ(ranked["items"][2]["item_id"], "d") << ranked;
  const std::string id = ranked["request_id"];
  EXPECT_EQ(client.Get("/v1/requests/" + id + "?explain=true")->status, 409);
  EXPECT_EQ(client.Get("/v1/requests/" + id)->status, 200);

  ranker.Kill();
  for (int i = 0; i < 6; ++i) {
    const json without = ask(false);
    EXPECT_EQ(without["model"], "counter:1") << without;
    EXPECT_EQ(without["degraded"], "no_ranker") << without;
  }
  std::string alerts;
  for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
       alerts.find("remote-not-asked, model remote:ctr") == std::string::npos;
       alerts = client.Get("/v1/alerts?state=open")->body) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << alerts;
  }
  const std::string metrics = client.Get("/metrics")->body;
  EXPECT_NE(metrics.find("vitrine_remote_failures_total"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::e2e
