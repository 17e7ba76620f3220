// Spans from a router to a collector, both on sockets, as the settings say.
#include "apps/vitrine/tracing.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "registry/ports.h"
#include "transport/http/client.h"
#include "transport/http/collector_testing.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/router.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

Settings With(const std::vector<std::string>& overrides) {
  auto settings = Settings::Load(
      "", [](const std::string&) -> std::optional<std::string> { return std::nullopt; }, overrides);
  EXPECT_TRUE(settings.ok()) << settings.status().ToString();
  return *std::move(settings);
}

std::string Refused(const std::vector<std::string>& overrides) {
  MetricRegistry metrics;
  const auto tracing = OpenTracing(With(overrides), metrics);
  EXPECT_FALSE(tracing.ok());
  return tracing.status().message();
}

TEST(Tracing, IsOffWithoutAnEndpoint) {
  MetricRegistry metrics;
  const auto tracing = OpenTracing(With({}), metrics);
  ASSERT_TRUE(tracing.ok());
  EXPECT_EQ(tracing->options().spans, nullptr);
  EXPECT_EQ(metrics.WriteText(), "");
}

TEST(Tracing, WrongSettingsAreNamed) {
  EXPECT_NE(Refused({"trace.otlp_endpoint=https://collector:4318/v1/traces"}).find("TLS"),
            std::string::npos);
  EXPECT_NE(Refused({"trace.otlp_endpoint=collector:4318"}).find("http://HOST:PORT"),
            std::string::npos);
  EXPECT_NE(Refused({"trace.otlp_endpoint=http://collector:0/"}).find("trace.otlp_endpoint"),
            std::string::npos);
  EXPECT_NE(Refused({"trace.otlp_endpoint=http://collector/a b"}).find("trace.otlp_endpoint"),
            std::string::npos);
  EXPECT_NE(Refused({"trace.sample_ratio=2"}).find("trace.sample_ratio"), std::string::npos);
  EXPECT_NE(
      Refused({"trace.otlp_endpoint=http://c", "trace.otlp_headers_file=/none"}).find("/none"),
      std::string::npos);
  const std::string file = testing::TempDir() + "/headers";
  std::ofstream(file) << "X-Key: fine\nsecret without a colon\n";
  const std::string said =
      Refused({"trace.otlp_endpoint=http://c", "trace.otlp_headers_file=" + file});
  EXPECT_NE(said.find(":2 "), std::string::npos) << said;
  EXPECT_EQ(said.find("secret"), std::string::npos) << said;
}

TEST(Tracing, SpansOfARouterArriveAtACollectorThatIsBusyAtFirst) {
  http::TestCollector collector;
  collector.Say(503);
  collector.Say(429);
  const std::string file = testing::TempDir() + "/headers";
  std::ofstream(file) << "\nX-Key:  k-1 \r\n";
  MetricRegistry metrics;
  {
    auto tracing = OpenTracing(With({"trace.otlp_endpoint=" + collector.url() + "/",
                                     "trace.otlp_headers_file=" + file, "trace.sample_ratio=0"}),
                               metrics);
    ASSERT_TRUE(tracing.ok()) << tracing.status().ToString();
    http::FakeKeys keys;
    const http::Authorizer authorizer(http::AuthMode::kOpen, &keys);
    http::Router router(
        {{http::Method::kGet, "/a/{x}", http::Permission::kServe,
          http::RequestHandler::Placement::kInline, [](http::Request&, http::Response&) {}, 0}},
        authorizer,
        {.allowed_hosts = {},
         .allowed_origins = {},
         .metrics = &metrics,
         .trace = tracing->options()});
    auto server = http::Server::Start({}, router);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    http::Endpoint endpoint;
    endpoint.port = (*server)->listeners()[0].port;
    http::Client client(endpoint);
    EXPECT_EQ(client.Get("/a/1")->status, 200);  // not sampled
    const std::string context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    EXPECT_EQ(client.Send("GET", "/a/2", {}, {{"traceparent", context}})->status, 200);
    const auto calls = collector.Wait(3);
    EXPECT_EQ(calls[0].path, "/v1/traces");
    EXPECT_EQ(calls[0].content_type, "application/json");
    EXPECT_EQ(calls[0].key, "k-1");
    EXPECT_EQ(calls[2].body, calls[0].body);
    const json spans = json::parse(calls[2].body)["resourceSpans"][0]["scopeSpans"][0]["spans"];
    ASSERT_EQ(spans.size(), 1U) << spans;
    EXPECT_EQ(spans[0]["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(spans[0]["parentSpanId"], "00f067aa0ba902b7");
    EXPECT_EQ(spans[0]["name"], "GET /a/{x}");
    EXPECT_EQ(client.Send("GET", "/a/3", {}, {{"traceparent", context}})->status, 200);
    // The server ends first, as in the program; then what waits is sent.
  }
  EXPECT_EQ(collector.Wait(4).size(), 4U);
  EXPECT_EQ(metrics.Samples().at("vitrine_trace_spans_total{outcome=\"exported\"}"), 2);
}

}  // namespace
}  // namespace vitrine::apps
