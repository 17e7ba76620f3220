// Triton's own Python client against the running program. The checks are in clients/*.py; set-up brings the client.
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "e2e/programs.h"
#include "graph/builder.h"
#include "vitrine_inference/inference.pb.h"

namespace vitrine::e2e {
namespace {

namespace fs = std::filesystem;
using graph::Builder;
using graph::Value;

constexpr std::array<std::pair<DType, std::string_view>, kDTypes.size()> kTypes = {{
    {DType::kBool, "BOOL"},
    {DType::kInt8, "INT8"},
    {DType::kInt16, "INT16"},
    {DType::kInt32, "INT32"},
    {DType::kInt64, "INT64"},
    {DType::kUint8, "UINT8"},
    {DType::kUint16, "UINT16"},
    {DType::kUint32, "UINT32"},
    {DType::kUint64, "UINT64"},
    {DType::kFloat16, "FP16"},
    {DType::kFloat32, "FP32"},
    {DType::kFloat64, "FP64"},
    {DType::kString, "BYTES"},
}};

std::string Every() {
  Builder b("every");
  for (const auto& [type, name] : kTypes) {
    // Sizes of their own: an axis of the same name has one size in all inputs.
    const std::string rows = "rows_" + std::string(name);
    const std::string columns = "columns_" + std::string(name);
    const std::vector<graph::Dim> shape = {rows.c_str(), columns.c_str()};
    const Value x = b.Input("x_" + std::string(name), type, shape);
    b.Output("y_" + std::string(name), b.Op("Identity", {x}), type, shape);
  }
  return *b.Finish();
}

std::string Doubled() {
  Builder b("doubled");
  const Value x = b.Input("x", DType::kFloat32, {"rows", 3});
  b.Output("y", b.Mul(x, b.Scalar(2.0F)), DType::kFloat32, {"rows", 3});
  return *b.Finish();
}

class TritonClient : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(".deps/clients/tritonclient")) {
      GTEST_SKIP() << "Triton's client is not in .deps/clients; ./dev setup brings it";
    }
  }
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
  /// Runs one of clients/; what it says is in the failure.
  static void Run(const std::string& script, const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"PYTHONPATH=.deps/clients", "PYTHONDONTWRITEBYTECODE=1",
                                    "python3", "tests/e2e/clients/" + script};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::string said;
    const auto outcome =
        loop::RunChild({.program = "/usr/bin/env",
                        .arguments = std::move(all),
                        .timeout = std::chrono::minutes(4)},
                       [&said](std::string_view line) { said.append(line).append("\n"); }, {});
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_EQ(outcome->exit_code, 0) << said << outcome->output;
  }
  static std::string HostAndPort(const RunningServer& server) {
    return "127.0.0.1:" + std::to_string(server.port());
  }

  Folder folder_;
};

TEST_F(TritonClient, InfersAndManagesModelsOverHttpAndGrpc) {
  ASSERT_EQ(Vitrine({"model", "import", Write("every.onnx", Every()), "--name", "every"}).exit_code,
            0);
  static_cast<void>(Write("doubled/1/model.onnx", Doubled()));
  static_cast<void>(Write("doubled/config.pbtxt", R"(
backend: "onnxruntime"
max_batch_size: 8
input [ { name: "x", data_type: TYPE_FP32, dims: [ 3 ] } ]
output [ { name: "y", data_type: TYPE_FP32, dims: [ 3 ] } ]
)"));
  ASSERT_EQ(Vitrine({"model", "import", folder_.path() + "/doubled"}).exit_code, 0);
  RunningServer server(data());
  ASSERT_TRUE(server.ok());
  Run("triton_client.py", {HostAndPort(server), server.grpc_url()});
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(TritonClient, KeysHoldOverHttpAndGrpc) {
  const loop::ChildOutcome made = Vitrine({"key", "create", "client", "--scope", "serve"});
  ASSERT_EQ(made.exit_code, 0) << made.last_error_lines;
  const std::size_t at = made.output.find("vit_");
  ASSERT_NE(at, std::string::npos) << made.output;
  const std::string key = made.output.substr(at, made.output.find_first_of("\"\n ", at) - at);
  RunningServer server(data(), {"--set", "server.require_keys=true"});
  ASSERT_TRUE(server.ok());
  Run("triton_keys.py", {HostAndPort(server), server.grpc_url(), key});
}

TEST_F(TritonClient, OurMessagesAreTritons) {
  google::protobuf::FileDescriptorProto file;
  ::inference::ModelInferRequest::descriptor()->file()->CopyTo(&file);
  Run("wire_check.py", {Write("ours.bin", file.SerializeAsString())});
}

}  // namespace
}  // namespace vitrine::e2e
