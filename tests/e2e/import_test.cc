// Models that were trained elsewhere, from a file to answers at /v2, as their owner does it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/exit_code.h"
#include "data/feature_spec.h"
#include "e2e/programs.h"
#include "graph/builder.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;
using graph::Builder;
using graph::Value;

/// y[b, 3] = x[b, 3] * factor, and `megabytes` of weights that are added at zero.
std::string Scaled(float factor, std::int64_t megabytes = 0) {
  Builder b("scaled");
  const Value x = b.Input("x", DType::kFloat32, {"batch", 3});
  Value y = b.Mul(x, b.Scalar(factor));
  if (megabytes > 0) {
    const std::int64_t rows = megabytes * (1 << 20) / 12;
    const std::vector<float> table(static_cast<std::size_t>(rows) * 3);
    const Value none = b.Initializer("none", {1}, std::vector<std::int64_t>{0});
    y = b.Add(y, b.Gather(b.Initializer("table", {rows, 3}, table), none));
  }
  b.Output("y", y, DType::kFloat32, {"batch", 3});
  return *b.Finish();
}

/// scores[b, item] = how often the history holds the item.
std::string Counter(std::int64_t width) {
  Builder b("counter");
  const Value history = b.Input("history", DType::kInt64, {"batch", "length"});
  std::vector<float> identity(static_cast<std::size_t>(width * width));
  for (std::int64_t i = 0; i < width; ++i) {
    identity[static_cast<std::size_t>(i * width + i)] = 1;
  }
  const Value rows = b.Gather(b.Initializer("identity", {width, width}, identity), history);
  b.Output("scores", b.Op("ReduceSum", {rows, b.Constants({1})}, {{"keepdims", 0}}),
           DType::kFloat32, {"batch", width});
  return *b.Finish();
}

std::string Infer(std::size_t rows) {
  json values = json::array();
  for (std::size_t i = 0; i < rows * 3; ++i) {
    values.push_back(i);
  }
  return json({{"inputs", json::array({{{"name", "x"},
                                        {"datatype", "FP32"},
                                        {"shape", {rows, 3}},
                                        {"data", values}}})}})
      .dump();
}

class Import : public testing::Test {
 protected:
  [[nodiscard]] std::string Write(const std::string& name, const std::string& bytes) const {
    const fs::path path = folder_.path() + "/" + name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  loop::ChildOutcome Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data(), "--json"});
    return RunProgram("vitrine", std::move(arguments));
  }
  /// The version that an import made.
  std::string Imported(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"model", "import"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const loop::ChildOutcome outcome = Vitrine(all);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.last_error_lines;
    return json::parse(outcome.output, nullptr, false).value("version", "");
  }
  Folder folder_;
};

TEST_F(Import, AnOnnxFileIsServedByItsTensorsAndAfterARestart) {
  const std::string file = Write("m.onnx", Scaled(2));
  EXPECT_EQ(Imported({file, "--name", "scaled"}), "scaled:1");
  {
    RunningServer server(data());
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    EXPECT_EQ(client.Post("/v2/models/scaled/infer", Infer(1))->status, 404);
    EXPECT_EQ(Vitrine({"model", "load", "scaled"}).exit_code, 0);
    const auto answer = client.Post("/v2/models/scaled/infer", Infer(2));
    ASSERT_EQ(answer->status, 200) << answer->body;
    EXPECT_EQ(json::parse(answer->body)["outputs"][0]["data"], json({0, 2, 4, 6, 8, 10}));
    // A better one takes its place.
    EXPECT_EQ(Imported({Write("m2.onnx", Scaled(3)), "--name", "scaled"}), "scaled:2");
    EXPECT_EQ(Vitrine({"model", "load", "scaled"}).exit_code, 0);
    const auto newer = client.Post("/v2/models/scaled/infer", Infer(1));
    ASSERT_EQ(newer->status, 200) << newer->body;
    EXPECT_EQ(json::parse(newer->body)["outputs"][0]["data"], json({0, 3, 6}));
    EXPECT_EQ(client.Post("/v2/models/scaled/versions/1/infer", Infer(1))->status, 404);
    // No scene can use it, and none gets it.
    const loop::ChildOutcome promoted = Vitrine({"model", "promote", "scaled:1"});
    EXPECT_EQ(promoted.exit_code, kExitConflict) << promoted.last_error_lines;
    EXPECT_NE(promoted.last_error_lines.find("vitrine model load scaled"), std::string::npos);
    EXPECT_EQ(server.Stop(), 0);
  }
  RunningServer again(data());
  ASSERT_TRUE(again.ok());
  http::Client client = again.Client();
  EXPECT_EQ(client.Post("/v2/models/scaled/infer", Infer(1))->status, 200);
  EXPECT_EQ(Vitrine({"model", "unload", "scaled"}).exit_code, 0);
  EXPECT_EQ(client.Post("/v2/models/scaled/infer", Infer(1))->status, 404);
  EXPECT_EQ(Vitrine({"model", "unload", "scaled"}).exit_code, kExitNotFound);
}

// The cure must work while the fault is there.
TEST_F(Import, WithACacheTheSameQuestionIsAnsweredAgainWithoutARun) {
  EXPECT_EQ(Imported({Write("m.onnx", Scaled(2)), "--name", "scaled"}), "scaled:1");
  RunningServer server(data(), {"--set", "inference.cache_mb=1"});
  ASSERT_TRUE(server.ok());
  ASSERT_EQ(Vitrine({"model", "load", "scaled"}).exit_code, 0);
  http::Client client = server.Client();
  const auto first = client.Post("/v2/models/scaled/infer", Infer(1));
  const auto second = client.Post("/v2/models/scaled/infer", Infer(1));
  ASSERT_EQ(second->status, 200) << second->body;
  EXPECT_EQ(second->body, first->body);
  const json stats = json::parse(client.Get("/v2/models/scaled/stats")->body)["model_stats"][0];
  EXPECT_EQ(stats["inference_stats"]["cache_hit"]["count"], 1) << stats.dump();
  EXPECT_EQ(stats["inference_count"], 2) << stats.dump();
  EXPECT_EQ(stats["execution_count"], 1) << stats.dump();
}

TEST_F(Import, AModelThatWasDamagedHoldsNothingUpAndCanBeUnloaded) {
  Imported({Write("m.onnx", Scaled(2)), "--name", "scaled"});
  ASSERT_EQ(Vitrine({"model", "load", "scaled"}).exit_code, 0);
  for (const auto& entry : fs::recursive_directory_iterator(data() + "/artifacts")) {
    if (entry.path().filename() == "model.onnx") {
      fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
      std::ofstream(entry.path(), std::ios::app) << 'x';
    }
  }
  {
    RunningServer server(data());
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    EXPECT_EQ(client.Get("/readyz")->status, 200);
    EXPECT_EQ(client.Post("/v2/models/scaled/infer", Infer(1))->status, 404);
    const std::string index = client.Post("/v2/repository/index", "{}")->body;
    EXPECT_NE(index.find("UNAVAILABLE"), std::string::npos) << index;
  }
  EXPECT_EQ(Vitrine({"model", "unload", "scaled"}).exit_code, 0);
  RunningServer again(data());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.Client().Post("/v2/repository/index", "{}")->body, "[]");
}

TEST_F(Import, AFolderInTritonsLayoutKeepsItsBoundOnRows) {
  static_cast<void>(Write("repo/shoes/1/model.onnx", Scaled(1)));
  static_cast<void>(Write("repo/shoes/2/model.onnx", Scaled(3)));
  static_cast<void>(Write("repo/shoes/config.pbtxt", R"(
backend: "onnxruntime"
max_batch_size: 2
input [ { name: "x", data_type: TYPE_FP32, dims: [ 3 ] } ]
output [ { name: "y", data_type: TYPE_FP32, dims: [ 3 ] } ]
instance_group [ { kind: KIND_CPU, count: 1 } ]
)"));
  EXPECT_EQ(Imported({folder_.path() + "/repo/shoes"}), "shoes:1");
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  ASSERT_EQ(Vitrine({"model", "load", "shoes"}).exit_code, 0);
  http::Client client = server.Client();
  const auto answer = client.Post("/v2/models/shoes/infer", Infer(1));
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(json::parse(answer->body)["outputs"][0]["data"], json({0, 3, 6}));  // of folder 2
  const auto large = client.Post("/v2/models/shoes/infer", Infer(3));
  EXPECT_EQ(large->status, 400);
  EXPECT_NE(large->body.find("at most 2 rows"), std::string::npos) << large->body;
  const json config = json::parse(client.Get("/v2/models/shoes/config")->body);
  EXPECT_EQ(config["max_batch_size"], 2);
  EXPECT_EQ(config["input"][0]["dims"], json({3}));
}

TEST_F(Import, WithFeaturesAndVocabularyScenesUseIt) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const auto spec = data::FeatureSpec::Fit(
      {{.name = "history", .op = "history_items", .source = "", .options = {{"length", "5"}}}},
      data::Interactions{}, data::ItemTable{}, data::Vocabulary(ids), Micros{0});
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(Imported({Write("m.onnx", Counter(6)), "--name", "counter", "--features",
                      Write("spec.json", spec->ToJson()), "--vocabulary",
                      Write("ids.txt", data::Vocabulary(ids).ToText())}),
            "counter:1");
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  ASSERT_EQ(Vitrine({"model", "promote", "counter:1"}).exit_code, 0);
  http::Client client = server.Client();
  const auto answer = client.Post(
      "/v1/recommend", R"({"history":["c","b","c"],"n":2,"filter":{"exclude_seen":false}})");
  ASSERT_EQ(answer->status, 200) << answer->body;
  const json items = json::parse(answer->body)["items"];
  ASSERT_EQ(items.size(), 2U) << answer->body;
  EXPECT_EQ(items[0]["item_id"], "c");
  EXPECT_EQ(items[1]["item_id"], "b");
}

TEST_F(Import, AnEncoderWithItemVectorsIsSearchedByScenesAndScoresAtV2) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  const auto spec = data::FeatureSpec::Fit(
      {{.name = "history", .op = "history_items", .source = "", .options = {{"length", "5"}}}},
      data::Interactions{}, data::ItemTable{}, data::Vocabulary(ids), Micros{0});
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  // The query counts the history's items; of the vectors, d is like b, and each is like itself.
  const std::vector<float> vectors = {0, 0, 2, 0, 0, 0, 0, 0, 0, 2, 0, 0,
                                      0, 0, 0, 0, 3, 0, 0, 0, 0, 1, 0, 1};
  std::string npy("\x93NUMPY\x01\x00\x76\x00", 10);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 6), }";
  header.resize(118, ' ');
  npy += header;
  npy.append(reinterpret_cast<const char*>(vectors.data()), vectors.size() * sizeof(float));
  EXPECT_EQ(Imported({Write("m.onnx", Counter(6)), "--name", "twotower", "--features",
                      Write("spec.json", spec->ToJson()), "--vocabulary",
                      Write("ids.txt", data::Vocabulary(ids).ToText()), "--items",
                      Write("items.npy", npy)}),
            "twotower:1");
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  ASSERT_EQ(Vitrine({"model", "promote", "twotower:1"}).exit_code, 0);
  http::Client client = server.Client();
  const auto answer = client.Post("/v1/recommend",
                                  R"({"history":["c","b"],"n":3,"filter":{"exclude_seen":false}})");
  ASSERT_EQ(answer->status, 200) << answer->body;
  const json items = json::parse(answer->body)["items"];
  ASSERT_EQ(items.size(), 3U) << answer->body;
  EXPECT_EQ(items[0]["item_id"], "c");
  EXPECT_EQ(items[0]["score"], 3);
  EXPECT_EQ(items[1]["item_id"], "b");
  EXPECT_EQ(items[2]["item_id"], "d");
  const auto scores = client.Post(
      "/v2/models/twotower/infer",
      R"({"inputs":[{"name":"history","datatype":"INT64","shape":[1,2],"data":[4,3]}]})");
  ASSERT_EQ(scores->status, 200) << scores->body;
  const json output = json::parse(scores->body)["outputs"][0];
  EXPECT_EQ(output["name"], "scores");
  EXPECT_EQ(output["data"], json::parse("[0,0,0,2,3,1]"));
}

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
               "--set", "remote.ctr.vocabulary=" + list});
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
  const std::string alerts = client.Get("/v1/alerts")->body;
  EXPECT_NE(alerts.find("remote:ctr failed too often"), std::string::npos) << alerts;
  const std::string metrics = client.Get("/metrics")->body;
  EXPECT_NE(metrics.find("vitrine_remote_failures_total"), std::string::npos);
}

TEST_F(Import, WhatIsRefusedSaysWhyAndRegistersNothing) {
  const auto refused = [&](const std::vector<std::string>& arguments, int code,
                           const std::string& words) {
    std::vector<std::string> all = {"model", "import"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const loop::ChildOutcome outcome = Vitrine(all);
    EXPECT_EQ(outcome.exit_code, code) << outcome.last_error_lines;
    EXPECT_NE(outcome.last_error_lines.find(words), std::string::npos) << outcome.last_error_lines;
  };
  const std::string good = Write("m.onnx", Scaled(1));
  refused({good}, kExitUsage, "--name");
  refused({good, "--name", "n", "--shape", "x=2,4"}, kExitUsage, "[2, 4] does not fit");
  refused({good, "--name", "n", "--shape", "z=1"}, kExitUsage, "'z'");
  refused({Write("text.onnx", "hello"), "--name", "n"}, kExitUsage, "ONNX");
  refused({folder_.path() + "/none.onnx", "--name", "n"}, kExitNotFound, "none.onnx");
  refused({folder_.path(), "--name", "n"}, kExitUsage, "artifact folder");
  // Larger than what the check may take: its process fails, nothing else does.
  const std::string large = Write("large.onnx", Scaled(1, 96));
  std::vector<std::string> limited = {
      "--set", "probe.memory_limit_mb=256", "model", "import", large, "--name", "large"};
  const loop::ChildOutcome grown = Vitrine(limited);
  EXPECT_EQ(grown.exit_code, kExitUnavailable);
  EXPECT_NE(grown.last_error_lines.find("probe.memory_limit_mb"), std::string::npos)
      << grown.last_error_lines;
  const loop::ChildOutcome list = Vitrine({"model", "list"});
  EXPECT_TRUE(list.output.find("\"version\"") == std::string::npos) << list.output;
}

/// 200 in the long run, as many as shall be in a short one.
int Rounds() {
  const char* asked = std::getenv("VITRINE_LOAD_ROUNDS");
  return asked == nullptr ? 40 : std::atoi(asked);
}

/// A model is loaded and unloaded again and again beside one that is asked all the time: no answer
/// fails, and memory comes back.
TEST_F(Import, LoadingAndUnloadingInALoopFailsNobodyAndKeepsNoMemory) {
  Imported({Write("small.onnx", Scaled(2)), "--name", "small"});
  Imported({Write("large.onnx", Scaled(2, 24)), "--name", "large"});
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  const auto call = [&](const char* model, const char* verb) {
    const auto answer =
        client.Post("/v2/repository/models/" + std::string(model) + "/" + verb, "{}");
    ASSERT_EQ(answer->status, 200) << answer->body;
  };
  call("small", "load");
  const auto resident = [&] {
    const std::string metrics = client.Get("/metrics")->body;
    const std::size_t at = metrics.find("\nvitrine_process_resident_bytes ");
    return std::stod(metrics.substr(metrics.find(' ', at + 1)));
  };
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> answered = 0;
  std::thread traffic([&] {
    http::Client other = server.Client();
    const std::string body = Infer(1);
    while (!stop) {
      const auto answer = other.Post("/v2/models/small/infer", body);
      ++(answer.ok() && answer->status == 200 ? answered : failed);
    }
  });
  // The first loads leave the allocator's own reserves behind; those do not grow.
  constexpr int kFirstRounds = 5;
  const int rounds = Rounds();
  double start = 0;
  for (int round = 0; round < kFirstRounds + rounds && !HasFatalFailure(); ++round) {
    start = round == kFirstRounds ? resident() : start;
    call("large", "load");
    call("large", "unload");
  }
  const double end = resident();
  stop = true;
  traffic.join();
  std::printf("%d rounds, %d answers beside them, resident %.1f MB before and %.1f MB after\n",
              rounds, answered.load(), start / 1e6, end / 1e6);
  EXPECT_EQ(failed, 0);
  EXPECT_GT(answered, rounds);
  EXPECT_LT(end, start * 1.05);
}

}  // namespace
}  // namespace vitrine::e2e
