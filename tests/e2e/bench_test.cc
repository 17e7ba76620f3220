// `vitrine bench` against a server that runs, as its owner calls it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/exit_code.h"
#include "e2e/programs.h"
#include "graph/builder.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

class Bench : public testing::Test {
 protected:
  Bench() : server_(folder_.path() + "/data") { EXPECT_TRUE(server_.ok()); }

  [[nodiscard]] std::string Write(const std::string& name, const std::string& bytes) const {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  [[nodiscard]] loop::ChildOutcome Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", folder_.path() + "/data", "--json"});
    return RunProgram("vitrine", std::move(arguments));
  }
  /// The JSON of a short load. Whether the generator was late is this machine's affair: then the
  /// exit code must say so, and the latencies must be left out.
  [[nodiscard]] json Load(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "bench");
    arguments.insert(arguments.end(),
                     {"--duration", "600ms", "--window", "200ms", "--warmup", "100ms"});
    const loop::ChildOutcome outcome = Vitrine(std::move(arguments));
    json out = json::parse(outcome.output, nullptr, false);
    EXPECT_TRUE(out.is_object()) << outcome.output << outcome.last_error_lines;
    if (!out.is_object()) {
      return json::object();
    }
    const bool valid = out.value("valid", false);
    EXPECT_EQ(outcome.exit_code, valid ? kExitOk : kExitFailure) << outcome.output;
    EXPECT_EQ(out["latency_us"].is_null(), !valid);
    EXPECT_EQ(out["why"].get<std::string>().empty(), valid);
    EXPECT_EQ(out["due"], out["outcomes"]["good"].get<std::uint64_t>() +
                              out["outcomes"]["failed"].get<std::uint64_t>());
    return out;
  }
  Folder folder_;
  RunningServer server_;
};

TEST_F(Bench, AnyRouteOpenAndClosed) {
  const json open = Load({"request", "GET", "/livez", "--rate", "200", "--connections", "4"});
  EXPECT_EQ(open["loop"], "open");
  EXPECT_EQ(open["request"], "GET /livez");
  EXPECT_GT(open["due"], 50);
  EXPECT_EQ(open["outcomes"]["by_status"], json({{"200", open["due"]}}));
  EXPECT_EQ(open["windows"].size(), 3U);
  EXPECT_TRUE(open["lag_us"]["p99"].is_number());
  // Over TCP too, and what is not found is counted as a failure.
  const json closed = Load({"request", "GET", "/v1/nowhere", "--concurrency", "2", "--server",
                            "http://127.0.0.1:" + std::to_string(server_.port())});
  EXPECT_EQ(closed["loop"], "closed");
  EXPECT_FALSE(closed["valid"]);
  EXPECT_EQ(closed["outcomes"]["by_status"], json({{"404", closed["due"]}}));
}

TEST_F(Bench, RecommendationsFromAFileOfBodies) {
  const std::string bodies =
      Write("bodies.jsonl", "{\"user_id\": \"u1\", \"n\": 3}\n\n{\"n\": 2}\n");
  ASSERT_EQ(Vitrine({"bench", "recommend", "--duration", "1s"}).exit_code, kExitFailure);
  const auto wrong = Vitrine({"bench", "recommend", "--bodies", Write("wrong.jsonl", "{}\n{\n")});
  EXPECT_EQ(wrong.exit_code, kExitUsage);
  EXPECT_NE(wrong.last_error_lines.find("line 2"), std::string::npos) << wrong.last_error_lines;
  const json out = Load({"recommend", "--bodies", bodies, "--scene", "home", "--concurrency", "2"});
  EXPECT_GT(out["due"], 0);
  EXPECT_EQ(out["request"], "POST /v1/recommend");
}

TEST_F(Bench, AModelWithTheServersOwnAccount) {
  graph::Builder b("double");
  const graph::Value x = b.Input("x", DType::kFloat32, {"batch", 3});
  b.Output("y", b.Mul(x, b.Scalar(2.0F)), DType::kFloat32, {"batch", 3});
  const std::string file = Write("double.onnx", *b.Finish());
  ASSERT_EQ(Vitrine({"model", "import", file, "--name", "double"}).exit_code, kExitOk);
  ASSERT_EQ(Vitrine({"model", "load", "double"}).exit_code, kExitOk);
  for (const bool binary : {false, true}) {
    std::vector<std::string> arguments = {"infer", "double", "--shape", "x:5,3", "--rate", "100"};
    if (binary) {
      arguments.emplace_back("--binary");
    }
    const json out = Load(arguments);
    EXPECT_EQ(out["outcomes"]["failed"], 0) << out.dump();
    EXPECT_GE(out["server"]["requests"], out["due"]);
    EXPECT_GT(out["server"]["mean_us"]["infer"], 0);
    EXPECT_GE(out["server"]["mean_us"]["queue"], 0);
  }
  for (const std::string& rate : {std::string(), std::string("100")}) {
    std::vector<std::string> arguments = {"infer",  "double",           "--shape", "x:5,3",
                                          "--grpc", server_.grpc_url(), "--spin",  "60us"};
    if (!rate.empty()) {
      arguments.insert(arguments.end(), {"--rate", rate});
    }
    const json out = Load(arguments);
    EXPECT_EQ(out["outcomes"]["by_status"], json({{"0", out["due"]}})) << out.dump();
    EXPECT_EQ(out["request"], "ModelInfer double");
    EXPECT_EQ(out["target"], server_.grpc_url());
    EXPECT_GE(out["server"]["requests"], out["due"]);
  }
  const auto dead = Vitrine({"bench", "infer", "double", "--grpc", "127.0.0.1:1"});
  EXPECT_EQ(dead.exit_code, kExitUnavailable) << dead.last_error_lines;
  EXPECT_NE(dead.last_error_lines.find("127.0.0.1:1"), std::string::npos);
  EXPECT_EQ(Vitrine({"bench", "infer", "double", "--shape", "x:5,4"}).exit_code, kExitUsage);
  EXPECT_EQ(Vitrine({"bench", "infer", "absent"}).exit_code, kExitNotFound);
}

TEST_F(Bench, CapacityIsBracketed) {
  const auto outcome =
      Vitrine({"bench", "request", "GET", "/livez", "--capacity", "p50<=2s", "--rate", "500",
               "--resolution", "1", "--window", "100ms", "--warmup", "0s", "--duration", "100ms"});
  const json out = json::parse(outcome.output, nullptr, false);
  ASSERT_TRUE(out.is_object()) << outcome.output << outcome.last_error_lines;
  EXPECT_EQ(out["bound"]["percentile"], 50);
  EXPECT_EQ(out["bound"]["limit_us"], 2e6);
  ASSERT_FALSE(out["levels"].empty());
  EXPECT_EQ(out["levels"][0]["rate"], 500);
  EXPECT_EQ(outcome.exit_code, out["valid"].get<bool>() ? kExitOk : kExitFailure);
}

TEST(BenchWithoutServer, SaysThatNoneRunsAndWhatIsWrong) {
  const Folder folder;
  const auto none = RunProgram("vitrine", {"--data", folder.path(), "bench", "recommend"});
  EXPECT_EQ(none.exit_code, kExitUnavailable);
  EXPECT_NE(none.last_error_lines.find("vitrine up"), std::string::npos);
  const auto dead =
      RunProgram("vitrine", {"--server", "http://127.0.0.1:1", "bench", "request", "GET", "/"});
  EXPECT_EQ(dead.exit_code, kExitUnavailable) << dead.last_error_lines;
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--capacity", "fast"},
                                                {"--window", "soon"},
                                                {"--rate", "-1"},
                                                {"--rate", "5", "--concurrency", "5"},
                                                {"--duration", "1s", "--window", "2s"}}) {
    std::vector<std::string> arguments = {
        "--server", "http://127.0.0.1:1", "bench", "request", "GET", "/livez"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(RunProgram("vitrine", arguments).exit_code, kExitUsage) << wrong[0];
  }
}

}  // namespace
}  // namespace vitrine::e2e
