// Traces of requests over real sockets, from the header to the span.
#include "transport/http/tracer.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/guarded.h"
#include "core/open_metrics_testing.h"
#include "serve/fake_shop.h"
#include "transport/http/client.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/routes.h"

namespace vitrine::http {
namespace {

using nlohmann::json;

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = "00f067aa0ba902b7";
const std::string kSampled = "00-" + kTrace + "-" + kParent + "-01";

class KeptSpans final : public SpanSink {
 public:
  void Take(Span span) override {
    spans_.With([&](std::vector<Span>& all) { all.push_back(std::move(span)); });
  }
  std::vector<Span> Get() const {
    return spans_.With([](const std::vector<Span>& all) { return all; });
  }
  /// Spans are handed over after the answer has gone out.
  std::vector<Span> Wait(std::size_t count) const {
    const Deadline limit = After(std::chrono::seconds(20));
    while (Get().size() < count && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Get();
  }

 private:
  Guarded<std::vector<Span>> spans_;
};

std::map<std::string, std::string> AttributesOf(const Span& span) {
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : span.attributes) {
    const auto* text = std::get_if<std::string>(&value);
    all[std::string(key)] = text ? *text : std::to_string(std::get<std::int64_t>(value));
  }
  return all;
}

class TracerTest : public ::testing::Test {
 protected:
  TracerTest() : shop_(10), inference_(shop_.models) {
    EXPECT_TRUE(shop_.Serve("near:1").ok());
    services_.inference = &inference_;
    services_.recommender = &*shop_.recommender;
    services_.metrics = &metrics_;
    services_.ready = [] { return Unavailable("not yet"); };
  }
  void Start(TracerOptions trace) {
    authorizer_ = std::make_unique<Authorizer>(AuthMode::kOpen, &keys_);
    router_ = std::make_unique<Router>(
        ApiRoutes(services_), *authorizer_,
        RouterOptions{
            .allowed_hosts = {}, .allowed_origins = {}, .metrics = &metrics_, .trace = trace});
    auto server = Server::Start({}, *router_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    endpoint_.port = server_->listeners()[0].port;
  }
  ClientResponse Call(std::string_view method, const std::string& path, const json& body = {},
                      const HeaderList& headers = {{"traceparent", kSampled}}) {
    auto answer =
        Client(endpoint_).Send(method, path, body.is_null() ? std::string() : body.dump(), headers);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return *std::move(answer);
  }

  MetricRegistry metrics_;
  KeptSpans spans_;
  serve::FakeShop shop_;
  serve::Inference inference_;
  Services services_;
  FakeKeys keys_;
  std::unique_ptr<Authorizer> authorizer_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Server> server_;
  Endpoint endpoint_;
};

TEST_F(TracerTest, AnInferenceBelongsToItsCallersTraceAndHasItsStages) {
  Start({.spans = &spans_});
  const json body = {
      {"inputs",
       {{{"name", "history"}, {"shape", {1, 3}}, {"datatype", "INT64"}, {"data", {0, 0, 4}}}}}};
  const std::int64_t before = Now().value * 1000;
  const ClientResponse answer = Call("POST", "/v2/models/near/infer", body,
                                     {{"TraceParent", kSampled}, {"X-Request-Id", "r-1"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("traceparent"), "");
  const std::vector<Span> spans = spans_.Wait(1);
  ASSERT_EQ(spans.size(), 1U);
  const Span& span = spans[0];
  EXPECT_EQ(HexOf(span.trace), kTrace);
  EXPECT_EQ(HexOf(span.parent), kParent);
  EXPECT_NE(span.id, span.parent);
  EXPECT_NE(span.id, SpanId{});
  EXPECT_EQ(span.name, "POST /v2/models/{model}/infer");
  EXPECT_FALSE(span.failed);
  EXPECT_GE(span.begun, before - 1'000'000);
  EXPECT_LE(span.ended, Now().value * 1000 + 1'000'000);
  EXPECT_EQ(AttributesOf(span),
            (std::map<std::string, std::string>{{"http.request.method", "POST"},
                                                {"http.response.status_code", "200"},
                                                {"http.route", "/v2/models/{model}/infer"},
                                                {"url.scheme", "http"},
                                                {"vitrine.model", "near:1"},
                                                {"vitrine.request_id", "r-1"}}));
  std::vector<std::string_view> names;
  std::int64_t last = span.begun;
  for (const SpanStage& stage : span.stages) {
    names.push_back(stage.name);
    EXPECT_LE(last, stage.begun) << stage.name;
    EXPECT_LE(stage.begun, stage.ended) << stage.name;
    EXPECT_LE(stage.ended, span.ended) << stage.name;
    last = stage.ended;
  }
  EXPECT_EQ(names, (std::vector<std::string_view>{"compute_input", "queue", "compute_infer",
                                                  "compute_output"}));
}

TEST_F(TracerTest, ARecommendationHasItsModelsTime) {
  Start({.spans = &spans_});
  EXPECT_EQ(Call("POST", "/v1/recommend", {{"history", {"item3"}}, {"n", 3}}).status, 200);
  EXPECT_EQ(Call("POST", "/v1/recommend", {{"personalize", false}, {"n", 3}}).status, 200);
  const std::vector<Span> spans = spans_.Wait(2);
  ASSERT_EQ(spans.size(), 2U);
  ASSERT_EQ(spans[0].stages.size(), 1U);
  EXPECT_EQ(spans[0].stages[0].name, "model");
  EXPECT_GE(spans[0].stages[0].begun, spans[0].begun);
  EXPECT_LE(spans[0].stages[0].ended, spans[0].ended);
  EXPECT_EQ(AttributesOf(spans[0]).at("vitrine.model"), "near:1");
  EXPECT_TRUE(spans[1].stages.empty());  // no version ran
  EXPECT_FALSE(AttributesOf(spans[1]).contains("vitrine.model"));
}

TEST_F(TracerTest, ErrorsOfTheServerAndUnknownPathsAreTold) {
  Start({.spans = &spans_});
  EXPECT_EQ(Call("GET", "/readyz").status, 503);
  EXPECT_EQ(Call("GET", "/v1/users/ann/secret-path").status, 404);
  EXPECT_EQ(Call("BREW", "/livez").status, 405);
  const std::vector<Span> spans = spans_.Wait(3);
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_TRUE(spans[0].failed);
  EXPECT_EQ(AttributesOf(spans[0]).at("error.type"), "503");
  EXPECT_FALSE(spans[1].failed);
  EXPECT_EQ(spans[1].name, "GET");
  EXPECT_FALSE(AttributesOf(spans[1]).contains("http.route"));
  EXPECT_EQ(spans[2].name, "HTTP");
  EXPECT_EQ(AttributesOf(spans[2]).at("http.request.method"), "_OTHER");
}

TEST_F(TracerTest, CallersDecideForTheirTracesAndTheRatioForOurs) {
  Start({.spans = &spans_, .sample_ratio = 1});
  Call("GET", "/livez", {}, {{"traceparent", "00-" + kTrace + "-" + kParent + "-00"}});
  Call("GET", "/livez", {}, {{"traceparent", kSampled + "-more"}});  // malformed: a new one
  Call("GET", "/livez", {}, {{"traceparent", kSampled}, {"traceparent", kSampled}});
  Call("GET", "/livez", {}, {});
  const std::vector<Span> spans = spans_.Wait(3);
  ASSERT_EQ(spans.size(), 3U);
  for (const Span& span : spans) {
    EXPECT_NE(HexOf(span.trace), kTrace);
    EXPECT_NE(span.trace, TraceId{});
    EXPECT_EQ(span.parent, SpanId{});
  }
  EXPECT_NE(spans[0].trace, spans[1].trace);
}

TEST_F(TracerTest, NothingBeginsHereWhereNobodyTakesSpansOrTheRatioIsZero) {
  Start({.spans = &spans_, .sample_ratio = 0});
  Call("GET", "/livez", {}, {});
  Call("GET", "/livez");
  EXPECT_EQ(spans_.Wait(1).size(), 1U);
  server_.reset();
  Start({.spans = nullptr, .sample_ratio = 1});
  Call("GET", "/livez", {}, {});
  const ClientResponse text =
      Call("GET", "/metrics", {}, {{"Accept", "application/openmetrics-text"}});
  const OpenMetricsText metrics(text.body);
  EXPECT_EQ(metrics.error, "");
  std::size_t exemplars = 0;
  for (const auto& sample : metrics.Named("vitrine_http_request_seconds_bucket")) {
    exemplars += sample.exemplar.empty() ? 0 : 1;
  }
  EXPECT_EQ(exemplars, 1U);  // of the one request that was sampled
}

TEST_F(TracerTest, MetricsHoldTheTraceOfASampledRequest) {
  Start({});  // callers may trace where we do not
  Call("GET", "/livez");
  Call("GET", "/v1/users/none", {}, {});
  const ClientResponse answer =
      Call("GET", "/metrics", {}, {{"Accept", "application/openmetrics-text;version=1.0.0;q=0.9"}});
  EXPECT_EQ(answer.header("Content-Type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  const OpenMetricsText metrics(answer.body);
  EXPECT_EQ(metrics.error, "");
  int with = 0;
  for (const auto& sample : metrics.Named("vitrine_http_request_seconds_bucket")) {
    if (!sample.exemplar.empty()) {
      ++with;
      EXPECT_EQ(sample.labels.at("route"), "/livez");
      EXPECT_EQ(sample.exemplar, (std::map<std::string, std::string>{{"trace_id", kTrace}}));
    }
  }
  EXPECT_EQ(with, 1);
  const ClientResponse plain = Call("GET", "/metrics", {}, {});
  EXPECT_EQ(plain.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(plain.body.find("EOF"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::http
