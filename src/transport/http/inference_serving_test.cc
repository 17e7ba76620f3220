// The inference routes over real sockets, as Triton's clients call them.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "serve/fake_shop.h"
#include "transport/http/client.h"
#include "transport/http/content_coding.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/inference_load.h"
#include "transport/http/routes.h"
#include "transport/http/server_testing.h"

namespace vitrine::http {
namespace {

using nlohmann::json;

constexpr const char* kBytesHeader = "Inference-Header-Content-Length";

class InferenceServing : public ::testing::Test {
 protected:
  InferenceServing() : shop_(10), inference_(shop_.models) {
    shop_.make["near:2"] = shop_.make["near:1"];
    shop_.make["near:10"] = shop_.make["near:1"];
    EXPECT_TRUE(shop_.Serve("near:2").ok());
    EXPECT_TRUE(shop_.Serve("near:10", "previous").ok());
    services_.inference = &inference_;
    services_.version = "1";
    authorizer_ = std::make_unique<Authorizer>(AuthMode::kOpen, &keys_);
    router_ = std::make_unique<Router>(ApiRoutes(services_), *authorizer_, RouterOptions{});
    ServerOptions options;
    options.listeners = {Listener{}};
    auto server = Server::Start(std::move(options), *router_);
    EXPECT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    endpoint_.port = server_->listeners()[0].port;
  }

  ClientResponse Call(std::string_view method, const std::string& path, std::string_view body = {},
                      const HeaderList& headers = {}) {
    Client client(endpoint_);
    auto answer = client.Send(method, path, body, headers);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return *std::move(answer);
  }
  json Json(std::string_view method, const std::string& path, const json& body = json()) {
    const ClientResponse answer = Call(method, path, body.is_null() ? std::string() : body.dump());
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return json::parse(answer.body, nullptr, false);
  }
  /// The error of a call that must fail with `status`.
  std::string Error(int status, std::string_view method, const std::string& path,
                    std::string_view body = {}, const HeaderList& headers = {}) {
    const ClientResponse answer = Call(method, path, body, headers);
    EXPECT_EQ(answer.status, status) << path << ": " << answer.body;
    const json parsed = json::parse(answer.body, nullptr, false);
    EXPECT_TRUE(parsed.is_object() && parsed.contains("error")) << answer.body;
    return parsed.is_object() ? parsed.value("error", "") : "";
  }
  static json Question(std::int64_t item) {
    return {{"id", "q1"},
            {"inputs",
             {{{"name", "history"},
               {"shape", {1, 3}},
               {"datatype", "INT64"},
               {"data", {0, 0, item}}}}}};
  }

  serve::FakeShop shop_;
  serve::Inference inference_;
  Services services_;
  FakeKeys keys_;
  std::unique_ptr<Authorizer> authorizer_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Server> server_;
  Endpoint endpoint_;
};

TEST_F(InferenceServing, MetadataHealthAndConfig) {
  EXPECT_EQ(Json("GET", "/v2")["name"], "vitrine");
  EXPECT_EQ(Json("GET", "/v2/health/live")["live"], true);
  EXPECT_EQ(Json("GET", "/v2/health/ready")["ready"], true);
  const json model = Json("GET", "/v2/models/near");
  EXPECT_EQ(model["versions"], json({"10", "2"}));
  EXPECT_EQ(model["inputs"][0],
            json({{"name", "history"}, {"datatype", "INT64"}, {"shape", {-1, -1}}}));
  EXPECT_EQ(model["outputs"][0]["name"], "scores");
  EXPECT_EQ(Json("GET", "/v2/models/near/versions/2/ready")["ready"], true);
  EXPECT_EQ(Json("GET", "/v2/models/near/config")["input"][0]["data_type"], "TYPE_INT64");
  const json index = Json("POST", "/v2/repository/index", json::object());
  ASSERT_EQ(index.size(), 2U);
  EXPECT_EQ(index[1], json({{"name", "near"}, {"version", "2"}, {"state", "READY"}}));
}

TEST_F(InferenceServing, RunsTheNewestOrANamedVersion) {
  const json newest = Json("POST", "/v2/models/near/infer", Question(4));
  EXPECT_EQ(newest["model_version"], "10");
  EXPECT_EQ(newest["id"], "q1");
  const json& scores = newest["outputs"][0];
  EXPECT_EQ(scores["shape"], json({1, 12}));
  EXPECT_EQ(scores["data"].size(), 12U);
  const json named = Json("POST", "/v2/models/near/versions/2/infer", Question(4));
  EXPECT_EQ(named["model_version"], "2");
  EXPECT_EQ(named["outputs"], newest["outputs"]);
  const json stats = Json("GET", "/v2/models/near/versions/2/stats");
  EXPECT_EQ(stats["model_stats"][0]["inference_stats"]["success"]["count"], 1);
  EXPECT_EQ(Json("GET", "/v2/models/stats")["model_stats"].size(), 2U);
}

TEST_F(InferenceServing, RawTensorsBothWaysAndPacked) {
  const json plain = Json("POST", "/v2/models/near/infer", Question(4));
  json head = {{"inputs",
                {{{"name", "history"},
                  {"shape", {1, 3}},
                  {"datatype", "INT64"},
                  {"parameters", {{"binary_data_size", 24}}}}}},
               {"parameters", {{"binary_data_output", true}}}};
  const std::array<std::int64_t, 3> history = {0, 0, 4};
  std::string body = head.dump();
  const HeaderList headers = {{kBytesHeader, std::to_string(body.size())}};
  body.append(reinterpret_cast<const char*>(history.data()), sizeof(history));
  for (const ContentCoding coding :
       {ContentCoding::kIdentity, ContentCoding::kGzip, ContentCoding::kDeflate}) {
    std::string sent = body;
    HeaderList more = headers;
    if (coding != ContentCoding::kIdentity) {
      ASSERT_TRUE(Encode(coding, body, sent).ok());
      more.emplace_back("Content-Encoding", ContentCodingName(coding));
      more.emplace_back("Accept-Encoding", ContentCodingName(coding));
    }
    const ClientResponse answer = Call("POST", "/v2/models/near/infer", sent, more);
    ASSERT_EQ(answer.status, 200) << answer.body;
    std::string whole = answer.body;
    EXPECT_EQ(answer.header("Content-Encoding"), ContentCodingName(coding));
    if (coding != ContentCoding::kIdentity) {
      ASSERT_TRUE(Decode(coding, answer.body, 1 << 20, 0, whole).ok());
    }
    const std::size_t json_bytes = std::stoul(std::string(answer.header(kBytesHeader)));
    const json parsed = json::parse(whole.substr(0, json_bytes));
    const json& output = parsed["outputs"][0];
    ASSERT_EQ(output["parameters"]["binary_data_size"], whole.size() - json_bytes);
    std::vector<double> values(plain["outputs"][0]["data"].size());
    ASSERT_EQ(output["datatype"], "FP64");
    ASSERT_EQ(whole.size() - json_bytes, values.size() * sizeof(double));
    std::memcpy(values.data(), whole.data() + json_bytes, values.size() * sizeof(double));
    EXPECT_EQ(json(values), plain["outputs"][0]["data"]);
  }
  std::string raw(reinterpret_cast<const char*>(history.data()), sizeof(history));
  const ClientResponse raw_answer =
      Call("POST", "/v2/models/near/infer", raw, {{kBytesHeader, "0"}});
  EXPECT_EQ(json::parse(raw_answer.body)["outputs"], plain["outputs"]) << raw_answer.body;
}

TEST_F(InferenceServing, MadeUpRequestsAreAnsweredAndTheSplitCountsThem) {
  const auto split = [this] {
    const auto read = ReadInferenceSplit(Call("GET", "/v2/models/near/stats").body);
    EXPECT_TRUE(read.ok()) << read.status().ToString();
    return read.ok() ? *read : InferenceSplit{};
  };
  const InferenceSplit before = split();
  for (const bool binary : {false, true}) {
    const auto requests = MakeInferenceRequests(Call("GET", "/v2/models/near").body,
                                                {.binary = binary, .high = 9, .bodies = 5});
    ASSERT_TRUE(requests.ok()) << requests.status().ToString();
    for (const InferenceRequest& request : *requests) {
      const auto answer = Call("POST", "/v2/models/near/infer", request.body, request.headers);
      EXPECT_EQ(answer.status, 200) << answer.body;
      EXPECT_EQ(answer.header(kBytesHeader).empty(), !binary);
    }
  }
  const InferenceSplit between = split().Since(before);
  EXPECT_EQ(between.requests, 10U);
  EXPECT_EQ(between.failed, 0U);
  EXPECT_GT(between.infer, 0U);
  EXPECT_GE(between.total, between.input + between.infer + between.output);
}

TEST_F(InferenceServing, EveryErrorIsTheProtocols) {
  const std::string infer = "/v2/models/near/infer";
  EXPECT_NE(Error(404, "POST", "/v2/models/far/infer", Question(4).dump()).find("'far'"),
            std::string::npos);
  EXPECT_NE(Error(404, "GET", "/v2/models/near/versions/3").find("10 (serving)"),
            std::string::npos);
  Error(404, "GET", "/v2/nothing/here");
  Error(405, "GET", infer);
  Error(400, "POST", infer, "{");
  json other = Question(4);
  other["inputs"][0]["name"] = "future";
  EXPECT_NE(Error(400, "POST", infer, other.dump()).find("'future'"), std::string::npos);
  json wanted = Question(4);
  wanted["outputs"] = {{{"name", "future"}}};
  EXPECT_NE(Error(400, "POST", infer, wanted.dump()).find("'future'"), std::string::npos);
  Error(400, "POST", infer, Question(4).dump(), {{kBytesHeader, "99999"}});
  Error(400, "POST", infer, Question(4).dump(), {{kBytesHeader, "ten"}});
  Error(501, "POST", infer, Question(4).dump(), {{"Content-Encoding", "br"}});
  Error(400, "POST", infer, "not packed", {{"Content-Encoding", "gzip"}});
  Error(503, "POST", "/v2/repository/models/near/load", "{}");
  const json counts = Json("GET", "/v2/models/near/versions/10/stats");
  EXPECT_GE(counts["model_stats"][0]["inference_stats"]["fail"]["count"], 5);
}

TEST_F(InferenceServing, PriorityAndTimeoutAreTakenAndChecked) {
  json body = Question(4);
  body["parameters"] = {{"priority", 1}, {"timeout", 60'000'000}};
  EXPECT_EQ(Json("POST", "/v2/models/near/infer", body)["id"], "q1");
  body["parameters"] = {{"timeout", -1}};
  EXPECT_NE(Error(400, "POST", "/v2/models/near/infer", body.dump()).find("parameters.timeout"),
            std::string::npos);
  body["parameters"] = {{"priority", "first"}};
  EXPECT_NE(Error(400, "POST", "/v2/models/near/infer", body.dump()).find("parameters.priority"),
            std::string::npos);
}

// One request runs, two wait, and the others are told at once: too late, or busy.
TEST_F(InferenceServing, ABusyModelRefusesWhatItCannotTake) {
  Gate open;
  std::atomic<int> running{0};
  std::atomic<bool> holds{false};
  shop_.make["slow:1"] = [&] {
    return serve::FakeParts<double>("slow", shop_.names, 3, [&](auto, std::span<double> scores) {
      scores[2] = 1;
      std::this_thread::sleep_for(3ms);  // the warm-up finds that it is slow
      ++running;
      if (holds) {
        open.Wait();
      }
    });
  };
  ASSERT_TRUE(shop_.Serve("slow:1", "challenger").ok());
  serve::Inference narrow(shop_.models, {.waiting = 2, .workers = 1});
  services_.inference = &narrow;
  running = 0;
  holds = true;
  const std::string question = Question(4).dump();
  const auto ask = [&] { EXPECT_EQ(Call("POST", "/v2/models/slow/infer", question).status, 200); };
  const auto wait_until = [](const std::function<bool()>& there) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!there() && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(1ms);
    }
    return there();
  };
  std::jthread first(ask);
  ASSERT_TRUE(wait_until([&] { return running == 1; }));
  std::jthread second(ask);
  ASSERT_TRUE(wait_until([&] { return narrow.waiting() == 1; }));
  json hurried = Question(4);
  hurried["parameters"] = {{"timeout", 1}};
  EXPECT_NE(Error(504, "POST", "/v2/models/slow/infer", hurried.dump()).find("slow:1"),
            std::string::npos);
  std::jthread third(ask);
  ASSERT_TRUE(wait_until([&] { return narrow.waiting() == 2; }));
  const ClientResponse busy = Call("POST", "/v2/models/slow/infer", question);
  EXPECT_EQ(busy.status, 503) << busy.body;
  EXPECT_EQ(busy.header("Retry-After"), "1");
  EXPECT_EQ(Call("POST", "/v2/models/near/infer", question).status, 200);  // others go on
  open.Open();
}

TEST_F(InferenceServing, StatisticsTellRunsFromRequests) {
  for (int i = 0; i < 3; ++i) {
    Json("POST", "/v2/models/near/infer", Question(4));
  }
  const json stats = Json("GET", "/v2/models/near/versions/10/stats")["model_stats"][0];
  EXPECT_EQ(stats["inference_count"], 3);
  EXPECT_EQ(stats["execution_count"], 3);
  EXPECT_EQ(stats["inference_stats"]["queue"]["count"], 3);
  ASSERT_EQ(stats["batch_stats"].size(), 1U);
  EXPECT_EQ(stats["batch_stats"][0]["batch_size"], 1);
  EXPECT_EQ(stats["batch_stats"][0]["compute_infer"]["count"], 3);
}

}  // namespace
}  // namespace vitrine::http
