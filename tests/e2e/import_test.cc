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
#include "e2e/import_testing.h"
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
