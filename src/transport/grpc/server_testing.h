/// For tests: a gRPC server on loopback over graphs that give back what they get, and its client.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/metrics.h"
#include "serve/inference.h"
#include "serve/model_set.h"
#include "transport/grpc/server.h"
#include "transport/http/fake_keys_testing.h"
#include "vitrine_inference/inference.grpc.pb.h"

namespace vitrine::rpc {

using namespace std::chrono_literals;

/// Holds runs back while it is closed.
class Gate {
 public:
  void Close() { Set(false); }
  void Open() { Set(true); }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, 30s, [this] { return open_; });
    --waiting_;
  }
  bool WaitForRuns(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return waiting_ >= count; });
  }

 private:
  void Set(bool open) {
    const std::scoped_lock lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

/// y = x, and shape = the sizes of x as INT64.
class EchoGraph final : public serve::LoadedGraph {
 public:
  EchoGraph(DType type, Gate* gate, std::atomic<int>& runs) : gate_(gate), runs_(runs) {
    inputs_ = {{.name = "x", .dtype = type, .shape = {-1, -1}}};
    outputs_ = {{.name = "y", .dtype = type, .shape = {-1, -1}},
                {.name = "shape", .dtype = DType::kInt64, .shape = {2}}};
  }
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    if (inputs.size() != 1 || inputs[0].dtype() != inputs_[0].dtype ||
        inputs[0].shape().size() != 2) {
      return InvalidArgument("the fake graph wants one x of its type with two axes");
    }
    ++runs_;
    if (gate_ != nullptr) {
      std::this_thread::sleep_for(3ms);  // the warm-up finds that it is slow
      gate_->Pass();
    }
    if (inputs[0].shape()[0] == 13) {
      return Internal("secret detail");
    }
    outputs = {inputs[0], Tensor::Of<std::int64_t>("shape", {2}, inputs[0].shape())};
    outputs[0].set_name("y");
    return Status::Ok();
  }

 private:
  Gate* gate_;
  std::atomic<int>& runs_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

/// Serves "float32", "string" and so on, one model a type, and "slow", whose runs wait for the gate.
class GrpcTest : public ::testing::Test {
 protected:
  using Stub = ::inference::GRPCInferenceService::Stub;
  using Request = ::inference::ModelInferRequest;
  using Answer = ::inference::ModelInferResponse;

  /// Requests that may wait for "slow", beside the one that runs.
  static constexpr int kWaiting = 8;

  GrpcTest()
      : models_([this](const std::string& version, const std::string&) { return Make(version); }),
        inference_(models_, {.waiting = kWaiting, .workers = 1}) {
    serve::DesiredModels desired;
    for (const DType type : kDTypes) {
      desired.folders[std::string(DTypeName(type)) + ":1"] = "unused";
    }
    desired.folders["slow:1"] = "unused";
    models_.SetDesired(desired);
    EXPECT_TRUE(models_.WaitUntilReached(After(20s)).ok());
    services_.inference = &inference_;
    services_.metrics = &metrics_;
    services_.version = "1";
  }
  ~GrpcTest() override { gate_.Open(); }

  void Start(http::AuthMode mode = http::AuthMode::kOpen) {
    authorizer_ = std::make_unique<http::Authorizer>(mode, &keys_);
    options_.threads = 2;
    options_.metrics = &metrics_;
    auto server = Server::Start(options_, services_, *authorizer_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    stub_ = ::inference::GRPCInferenceService::NewStub(Channel());
  }
  /// A connection of its own.
  [[nodiscard]] std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(),
                                     arguments);
  }
  /// [rows, 2] of zeros, raw.
  static Request Zeros(const std::string& model, std::int64_t rows = 1) {
    Request request;
    request.set_model_name(model);
    auto& input = *request.add_inputs();
    input.set_name("x");
    input.set_datatype("FP32");
    input.add_shape(rows);
    input.add_shape(2);
    request.add_raw_input_contents(std::string(static_cast<std::size_t>(rows) * 8, '\0'));
    return request;
  }
  grpc::Status Infer(const Request& request, Answer* answer = nullptr,
                     std::chrono::milliseconds within = 30s) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + within);
    Answer own;
    return stub_->ModelInfer(&context, request, answer == nullptr ? &own : answer);
  }
  static void Expect(const grpc::Status& status, grpc::StatusCode code, std::string_view words) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_NE(status.error_message().find(words), std::string::npos) << status.error_message();
  }

  Gate gate_;
  std::atomic<int> runs_ = 0;
  MetricRegistry metrics_;
  serve::ModelSet models_;
  serve::Inference inference_;
  http::Services services_;
  http::FakeKeys keys_;
  ServerOptions options_;
  std::unique_ptr<http::Authorizer> authorizer_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Stub> stub_;

 private:
  Result<std::shared_ptr<const serve::Servable>> Make(const std::string& version) {
    const std::string name(serve::SplitVersion(version).first);
    const bool slow = name == "slow";
    const DType type = DTypeFromName(name).value_or(DType::kFloat32);  // of the slow one
    Manifest manifest;
    manifest.name = name;
    return serve::Servable::Make(version, std::move(manifest),
                                 std::make_unique<EchoGraph>(type, slow ? &gate_ : nullptr, runs_));
  }
};

}  // namespace vitrine::rpc
