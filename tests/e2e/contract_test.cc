// The running program held to its contract by a client that was written from the contract alone: Schemathesis makes up
// requests from api/openapi.yaml, valid and not, and compares every answer with what the document says. Set-up brings it.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/exit_code.h"
#include "e2e/programs.h"
#include "graph/builder.h"

namespace vitrine::e2e {
namespace {

namespace fs = std::filesystem;

std::string Shoes() {
  graph::Builder b("shoes");
  const graph::Value x = b.Input("x", DType::kFloat32, {"rows", 3});
  b.Output("y", b.Mul(x, b.Scalar(2.0F)), DType::kFloat32, {"rows", 3});
  return *b.Finish();
}

class Contract : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(".deps/schemathesis/schemathesis")) {
      GTEST_SKIP() << "Schemathesis is not in .deps/schemathesis; ./dev setup brings it";
    }
  }
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  [[nodiscard]] loop::ChildOutcome Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data(), "--json"});
    return RunProgram("vitrine", std::move(arguments));
  }
  /// A shop with a trained champion, a second version, a model of tensors, and a key for everything.
  void MakeShop() {
    const std::string shop = WriteSmallShop(folder_.path());
    const auto trained = Vitrine({"run", shop, "--mapping", shop + "/shop.toml", "--protocol",
                                  "leave-one-out", "--spec", "item-knn", "--spec", "popularity",
                                  "--no-serve", "--set", "gate.min_cases=10"});
    ASSERT_EQ(trained.exit_code, kExitOk) << trained.last_error_lines;
    const std::string file = folder_.path() + "/shoes.onnx";
    std::ofstream(file, std::ios::binary) << Shoes();
    ASSERT_EQ(Vitrine({"model", "import", file, "--name", "shoes"}).exit_code, kExitOk);
    const auto made = Vitrine({"key", "create", "walk", "--scope", "admin"});
    ASSERT_EQ(made.exit_code, kExitOk) << made.last_error_lines;
    const std::size_t at = made.output.find("vit_");
    ASSERT_NE(at, std::string::npos) << made.output;
    key_ = made.output.substr(at, made.output.find_first_of("\"\n ", at) - at);
  }
  /// What the walk may find: an answer to ask for again, and a model to send tensors to.
  void Visit(const RunningServer& server) const {
    const http::HeaderList headers = {{"Content-Type", "application/json"}, {"X-API-Key", key_}};
    http::Client client = server.Client();
    const auto post = [&](const std::string& target, const std::string& body) {
      const auto answer = client.Send("POST", target, body, headers);
      ASSERT_TRUE(answer.ok()) << answer.status().ToString();
      ASSERT_TRUE(answer->ok()) << target << ": " << answer->body;
    };
    post("/v2/repository/models/shoes/load", "{}");
    post("/v1/impressions", R"({"request_id": "known-request", "user_id": "u1", "items": ["i1"]})");
  }

  Folder folder_;
  std::string key_;
};

TEST_F(Contract, EveryAnswerIsOneThatTheContractNames) {
  ASSERT_NO_FATAL_FAILURE(MakeShop());
  RunningServer server(data(), {"--set", "server.require_keys=true"});
  ASSERT_TRUE(server.ok());
  ASSERT_NO_FATAL_FAILURE(Visit(server));
  std::string said;
  const auto walk =
      loop::RunChild({.program = "/usr/bin/env",
                      .arguments = {"PYTHONPATH=.deps/schemathesis", "PYTHONDONTWRITEBYTECODE=1",
                                    "VITRINE_WALK_KEY=" + key_, "python3", "-m", "schemathesis.cli",
                                    "--config-file", "tests/e2e/clients/contract_walk.toml", "run",
                                    "--no-color", "--url", server.url(), "api/openapi.yaml"},
                      .timeout = std::chrono::minutes(10)},
                     [&said](std::string_view line) { said.append(line).append("\n"); }, {});
  ASSERT_TRUE(walk.ok()) << walk.status().ToString();
  EXPECT_EQ(walk->exit_code, 0) << said << walk->output;
  EXPECT_EQ(server.Client().Get("/livez")->status, 200);
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace vitrine::e2e
