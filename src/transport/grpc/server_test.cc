// The server itself: who may call what, limits, deadlines, load, and its end.
#include <grpcpp/generic/generic_stub.h>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/guarded.h"
#include "transport/grpc/methods.h"
#include "transport/grpc/server_testing.h"
#include "transport/http/content_coding.h"

namespace vitrine::rpc {
namespace {

using Code = grpc::StatusCode;

/// One call of bytes, with whatever metadata; the answer's bytes as they came.
struct RawCall {
  grpc::Status status;
  std::string answer;
};

class GrpcServer : public GrpcTest {
 protected:
  using Metadata = std::vector<std::pair<std::string, std::string>>;

  RawCall Raw(const std::string& path, const std::string& message, const Metadata& metadata = {},
              grpc_compression_algorithm packing = GRPC_COMPRESS_NONE) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    arguments.SetMaxReceiveMessageSize(-1);
    grpc::GenericStub stub(grpc::CreateCustomChannel(
        server_->address(), grpc::InsecureChannelCredentials(), arguments));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 30s);
    context.set_compression_algorithm(packing);
    for (const auto& [name, value] : metadata) {
      context.AddMetadata(name, value);
    }
    grpc::CompletionQueue queue;
    const grpc::Slice slice(message);
    const grpc::ByteBuffer request(&slice, 1);
    const auto call = stub.PrepareUnaryCall(&context, path, request, &queue);
    call->StartCall();
    grpc::ByteBuffer bytes;
    RawCall result;
    call->Finish(&bytes, &result.status, this);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    grpc::Slice answer;
    if (result.status.ok() && bytes.DumpToSingleSlice(&answer).ok()) {
      result.answer.assign(reinterpret_cast<const char*>(answer.begin()), answer.size());
    }
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return result;
  }
  static std::string Path(std::string_view method) {
    return "/inference.GRPCInferenceService/" + std::string(method);
  }
};

TEST_F(GrpcServer, SaysWhatItIsAndHas) {
  Start();
  grpc::ClientContext context;
  const auto call = [this](const auto& method, const auto& request, auto& answer) {
    grpc::ClientContext once;
    return ((*stub_).*method)(&once, request, &answer);
  };
  using Service = Stub;
  ::inference::ServerLiveResponse live;
  EXPECT_TRUE(call(&Service::ServerLive, ::inference::ServerLiveRequest(), live).ok());
  EXPECT_TRUE(live.live());
  ::inference::ServerReadyResponse ready;
  EXPECT_TRUE(call(&Service::ServerReady, ::inference::ServerReadyRequest(), ready).ok());
  EXPECT_TRUE(ready.ready());
  ::inference::ServerMetadataResponse server;
  EXPECT_TRUE(call(&Service::ServerMetadata, ::inference::ServerMetadataRequest(), server).ok());
  EXPECT_EQ(server.name(), "vitrine");
  EXPECT_EQ(server.extensions_size(), 4);

  ::inference::ModelReadyRequest asked;
  ::inference::ModelReadyResponse model_ready;
  asked.set_name("string");
  EXPECT_TRUE(call(&Service::ModelReady, asked, model_ready).ok());
  EXPECT_TRUE(model_ready.ready());
  asked.set_version("9");
  EXPECT_TRUE(call(&Service::ModelReady, asked, model_ready).ok());
  EXPECT_FALSE(model_ready.ready());

  ::inference::ModelMetadataRequest of;
  of.set_name("string");
  ::inference::ModelMetadataResponse metadata;
  EXPECT_TRUE(call(&Service::ModelMetadata, of, metadata).ok());
  EXPECT_EQ(metadata.platform(), "onnxruntime_onnx");
  EXPECT_EQ(metadata.versions(0), "1");
  EXPECT_EQ(metadata.inputs(0).datatype(), "BYTES");
  EXPECT_EQ(metadata.inputs(0).shape(1), -1);
  ::inference::ModelConfigRequest config_of;
  config_of.set_name("string");
  ::inference::ModelConfigResponse config;
  EXPECT_TRUE(call(&Service::ModelConfig, config_of, config).ok());
  EXPECT_EQ(config.config().input(0).data_type(), ::inference::TYPE_STRING);
  EXPECT_EQ(config.config().output(1).data_type(), ::inference::TYPE_INT64);
  EXPECT_EQ(config.config().max_batch_size(), 0);
  config_of.set_name("far");
  Expect(call(&Service::ModelConfig, config_of, config), Code::NOT_FOUND, "'far'");
  ::inference::RepositoryIndexResponse index;
  EXPECT_TRUE(call(&Service::RepositoryIndex, ::inference::RepositoryIndexRequest(), index).ok());
  EXPECT_EQ(index.models_size(), static_cast<int>(kDTypes.size()) + 1);
  EXPECT_EQ(index.models(0).state(), "READY");

  Request bad = Zeros("float32");
  bad.add_outputs()->set_name("z");
  EXPECT_TRUE(Infer(Zeros("float32", 4)).ok());
  EXPECT_FALSE(Infer(bad).ok());
  ::inference::ModelStatisticsRequest stats_of;
  stats_of.set_name("float32");
  ::inference::ModelStatisticsResponse stats;
  EXPECT_TRUE(call(&Service::ModelStatistics, stats_of, stats).ok());
  ASSERT_EQ(stats.model_stats_size(), 1);
  EXPECT_EQ(stats.model_stats(0).inference_count(), 4U);
  EXPECT_EQ(stats.model_stats(0).inference_stats().success().count(), 1U);
  EXPECT_EQ(stats.model_stats(0).inference_stats().fail().count(), 1U);
  EXPECT_GT(stats.model_stats(0).inference_stats().compute_infer().ns(), 0U);

  // The end of a call is counted behind its answer.
  const std::string counted =
      R"(vitrine_grpc_requests_total{method="ModelInfer",code="INVALID_ARGUMENT"})";
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (metrics_.Samples()[counted] != 1 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(metrics_.Samples()[counted], 1);
}

TEST_F(GrpcServer, EachCallNeedsThePermissionOfItsRoute) {
  const std::string serve = keys_.Add("serve");
  const std::string ingest = keys_.Add("ingest");
  const std::string admin = keys_.Add("admin");
  Start(http::AuthMode::kKeys);
  const std::map<std::string_view, http::Permission> special = {
      {"ServerLive", http::Permission::kPublic},
      {"ServerReady", http::Permission::kPublic},
      {"RepositoryIndex", http::Permission::kAdmin},
      {"RepositoryModelLoad", http::Permission::kAdmin},
      {"RepositoryModelUnload", http::Permission::kAdmin}};
  const auto refused = [&](std::string_view method, const Metadata& metadata) {
    const Code code = Raw(Path(method), "", metadata).status.error_code();
    return code == Code::UNAUTHENTICATED || code == Code::PERMISSION_DENIED;
  };
  EXPECT_EQ(Methods().size(), 20U);
  for (const Method& method : Methods()) {
    SCOPED_TRACE(method.name);
    const auto found = special.find(method.name);
    const auto needed = found == special.end() ? http::Permission::kServe : found->second;
    const bool is_public = needed == http::Permission::kPublic;
    EXPECT_EQ(refused(method.name, {}), !is_public);
    EXPECT_EQ(refused(method.name, {{"authorization", "Bearer " + ingest}}), !is_public);
    EXPECT_EQ(refused(method.name, {{"authorization", "Bearer " + serve}}),
              needed == http::Permission::kAdmin);
    EXPECT_FALSE(refused(method.name, {{"authorization", "Bearer " + admin}}));
    EXPECT_FALSE(refused(method.name, {{"x-api-key", admin}}));
    EXPECT_EQ(refused(method.name, {{"authorization", "Bearer " + admin + "x"}}), !is_public);
    EXPECT_EQ(refused(method.name, {{"authorization", admin}}), !is_public);
  }
  Expect(Raw(Path("RepositoryIndex"), "", {{"x-api-key", serve}}).status, Code::PERMISSION_DENIED,
         "'admin'");
  // Who has no key learns nothing of what there is.
  Expect(Raw(Path("Nothing"), "").status, Code::UNAUTHENTICATED, "API key");
  Expect(Raw(Path("Nothing"), "", {{"x-api-key", serve}}).status, Code::UNIMPLEMENTED, "Nothing");
}

TEST_F(GrpcServer, WhatItDoesNotSpeakSaysWhy) {
  Start();
  Expect(Raw(Path("SystemSharedMemoryRegister"), "").status, Code::UNIMPLEMENTED, "shared memory");
  Expect(Raw(Path("TraceSetting"), "").status, Code::UNIMPLEMENTED, "traces");
  Expect(Raw("/other.Service/Call", "").status, Code::UNIMPLEMENTED, "/other.Service/Call");
  Expect(Raw(Path("ModelMetadata"), "\xFF\xFF").status, Code::INVALID_ARGUMENT, "not a valid");
  Expect(Raw(Path("ModelInfer"), "\xFF\xFF").status, Code::INVALID_ARGUMENT, "not a valid");
  Expect(Raw(Path("RepositoryModelLoad"), "").status, Code::UNAVAILABLE, "without models");
}

TEST_F(GrpcServer, MessagesArePackedBothWays) {
  Start();
  const std::string message = Zeros("float32", 5000).SerializeAsString();
  const RawCall plain = Raw(Path("ModelInfer"), message);
  ASSERT_TRUE(plain.status.ok()) << plain.status.error_message();
  ASSERT_GT(plain.answer.size(), 40'000U);
  const std::array<std::pair<grpc_compression_algorithm, http::ContentCoding>, 2> codings = {
      {{GRPC_COMPRESS_GZIP, http::ContentCoding::kGzip},
       {GRPC_COMPRESS_DEFLATE, http::ContentCoding::kDeflate}}};
  for (const auto& [packing, coding] : codings) {
    const std::string name(http::ContentCodingName(coding));
    const RawCall packed = Raw(Path("ModelInfer"), message, {{"accept-encoding", name}}, packing);
    ASSERT_TRUE(packed.status.ok()) << packed.status.error_message();
    EXPECT_LT(packed.answer.size(), 1'000U) << name;
    std::string whole;
    ASSERT_TRUE(http::Decode(coding, packed.answer, 1 << 20, 0, whole).ok()) << name;
    EXPECT_EQ(whole, plain.answer);
    EXPECT_EQ(Raw(Path("ModelInfer"), message, {}, packing).answer, plain.answer);
  }
}

TEST_F(GrpcServer, LimitsHoldAlsoForWhatIsPacked) {
  options_.max_message_bytes = 100'000;
  Start();
  EXPECT_TRUE(Infer(Zeros("float32", 10'000)).ok());
  Expect(Infer(Zeros("float32", 20'000)), Code::RESOURCE_EXHAUSTED, "larger than max");
  const std::string large = Zeros("float32", 1'000'000).SerializeAsString();
  for (const auto packing : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    Expect(Raw(Path("ModelInfer"), large, {}, packing).status, Code::RESOURCE_EXHAUSTED,
           "100000 bytes");
  }
  // Cut off in the middle.
  std::string packed;
  ASSERT_TRUE(
      http::Encode(http::ContentCoding::kGzip, Zeros("float32", 5'000).SerializeAsString(), packed)
          .ok());
  packed.resize(packed.size() / 2);
  EXPECT_EQ(Raw(Path("ModelInfer"), packed).status.error_code(), Code::INVALID_ARGUMENT);
  EXPECT_TRUE(Infer(Zeros("float32")).ok());
}

TEST_F(GrpcServer, ARequestWhoseDeadlineHasPassedIsNotRun) {
  Start();
  gate_.Close();
  std::thread first([this] { EXPECT_TRUE(Infer(Zeros("slow")).ok()); });
  ASSERT_TRUE(gate_.WaitForRuns(1));
  const int runs = runs_;
  EXPECT_EQ(Infer(Zeros("slow"), nullptr, 50ms).error_code(), Code::DEADLINE_EXCEEDED);
  std::this_thread::sleep_for(300ms);  // the server counts the same time from when it heard of it
  gate_.Open();
  first.join();
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (inference_.Counts("slow", "")[0].fail == 0 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(inference_.Counts("slow", "")[0].fail, 1U);
  EXPECT_EQ(runs_, runs);
}

TEST_F(GrpcServer, ABusyModelRefusesAndFastOnesGoOn) {
  Start();
  gate_.Close();
  std::thread running([this] { EXPECT_TRUE(Infer(Zeros("slow")).ok()); });
  ASSERT_TRUE(gate_.WaitForRuns(1));
  std::atomic<int> ended = 0;
  std::vector<std::thread> others;
  std::atomic<int> busy = 0;
  for (int i = 0; i < kWaiting + 2; ++i) {
    others.emplace_back([&] {
      const grpc::Status status = Infer(Zeros("slow"));
      busy += status.error_code() == Code::UNAVAILABLE ? 1 : 0;
      ++ended;
    });
  }
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (busy < 2 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(busy, 2);
  EXPECT_TRUE(Infer(Zeros("float32")).ok());
  gate_.Open();
  running.join();
  for (std::thread& other : others) {
    other.join();
  }
  EXPECT_EQ(ended, kWaiting + 2);
}

TEST_F(GrpcServer, ManyCallsAtOnceGetTheirOwnAnswers) {
  Start();
  std::vector<std::thread> clients;
  std::atomic<int> wrong = 0;
  Guarded<std::string> why;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      const auto stub = ::inference::GRPCInferenceService::NewStub(Channel());
      for (int i = 0; i < 50; ++i) {
        const std::int64_t rows = 1 + (c * 50 + i) % 37 + 40 * (c % 2);
        if (rows == 13) {
          continue;
        }
        Request request = Zeros(i % 10 == 9 ? "slow" : "float32", rows);
        request.set_id(std::to_string(c) + "-" + std::to_string(i));
        grpc::ClientContext context;
        Answer answer;
        const grpc::Status status = stub->ModelInfer(&context, request, &answer);
        const bool right = status.ok() && answer.id() == request.id() &&
                           answer.outputs(0).shape(0) == rows &&
                           answer.raw_output_contents(0) == request.raw_input_contents(0);
        if (!right && wrong++ == 0) {
          why.With([&](std::string& text) { text = request.id() + ": " + status.error_message(); });
        }
      }
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_EQ(wrong, 0) << why.With([](const std::string& text) { return text; });
}

TEST_F(GrpcServer, StoppingLetsRunningCallsEndAndTakesNoNewOnes) {
  Start();
  gate_.Close();
  std::thread held([this] { EXPECT_TRUE(Infer(Zeros("slow")).ok()); });
  ASSERT_TRUE(gate_.WaitForRuns(1));
  std::atomic<bool> done = false;
  std::atomic<int> answered = 0;
  std::atomic<int> odd = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&] {
      const auto stub = ::inference::GRPCInferenceService::NewStub(Channel());
      while (!done) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + 20s);
        Answer answer;
        const grpc::Status status = stub->ModelInfer(&context, Zeros("float32", 3), &answer);
        answered += status.ok() ? 1 : 0;
        odd += status.ok() || status.error_code() == Code::UNAVAILABLE ||
                       status.error_code() == Code::CANCELLED
                   ? 0
                   : 1;
      }
    });
  }
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (answered < 20 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(1ms);
  }
  std::thread stopping([this] { server_->Stop(20s); });
  gate_.Open();
  stopping.join();
  held.join();
  const int before = answered;
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(answered, before);
  done = true;
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_EQ(odd, 0);
  server_->Stop(20s);  // again: nothing
}

TEST_F(GrpcServer, StoppingCutsWhatIsLeftAtItsDeadline) {
  Start();
  gate_.Close();
  std::thread held([this] { EXPECT_FALSE(Infer(Zeros("slow")).ok()); });
  ASSERT_TRUE(gate_.WaitForRuns(1));
  grpc::ClientContext context;
  const auto stream = stub_->ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(Zeros("float32")));
  std::thread stopping([this] { server_->Stop(50ms); });
  held.join();  // it hears of the end before its model has ended
  gate_.Open();
  stopping.join();
  ::inference::ModelStreamInferResponse answer;
  while (stream->Read(&answer)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(GrpcServer, APortThatIsTakenOrNoneIsNamedWithItsSetting) {
  options_.listener.setting = "server.grpc_listen";
  Start();
  const std::string address = server_->address();
  ServerOptions second = options_;
  second.listener.port =
      static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  const auto taken = Server::Start(second, services_, *authorizer_);
  ASSERT_EQ(taken.status().code(), vitrine::Code::kAlreadyExists) << taken.status().ToString();
  EXPECT_NE(taken.status().message().find("server.grpc_listen"), std::string::npos);
  second.listener.address = "localhost";
  const auto named = Server::Start(second, services_, *authorizer_);
  EXPECT_EQ(named.status().code(), vitrine::Code::kInvalidArgument);
  EXPECT_NE(named.status().message().find("server.grpc_listen"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::rpc
