// The real server, a collector that listens, and a scraper: what an operator who traces sees.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "core/exit_code.h"
#include "core/open_metrics_testing.h"
#include "e2e/programs.h"
#include "graph/builder.h"
#include "transport/http/collector_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = "00f067aa0ba902b7";

/// y[b, 3] = x[b, 3] * 2, in a file.
std::string DoublingModel(const std::string& folder) {
  graph::Builder b("doubled");
  const graph::Value x = b.Input("x", DType::kFloat32, {"batch", 3});
  b.Output("y", b.Mul(x, b.Scalar(2.0F)), DType::kFloat32, {"batch", 3});
  std::string path = folder + "/m.onnx";
  std::ofstream(path, std::ios::binary) << *b.Finish();
  return path;
}

json SpansIn(const http::TestCollector::Call& call) {
  return json::parse(call.body)["resourceSpans"][0]["scopeSpans"][0]["spans"];
}

TEST(Trace, ARequestIsFoundInTheCollectorAndInTheMetrics) {
  const Folder folder;
  const std::string data = folder.path() + "/data";
  const auto made = RunProgram("vitrine", {"--data", data, "model", "import",
                                           DoublingModel(folder.path()), "--name", "doubled"});
  ASSERT_EQ(made.exit_code, 0) << made.last_error_lines;
  http::TestCollector collector;
  RunningServer server(data, {"--set", "trace.otlp_endpoint=" + collector.url() + "/v1/traces",
                              "--set", "trace.sample_ratio=0"});
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  ASSERT_EQ(client.Post("/v2/repository/models/doubled/load", "{}")->status, 200);
  const std::string body =
      R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]})";
  const auto answer = client.Send("POST", "/v2/models/doubled/infer", body,
                                  {{"traceparent", "00-" + kTrace + "-" + kParent + "-01"}});
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  ASSERT_EQ(answer->status, 200) << answer->body;

  const auto calls = collector.Wait(1);
  EXPECT_EQ(calls[0].path, "/v1/traces");
  const json spans = SpansIn(calls[0]);
  ASSERT_EQ(spans.size(), 5U) << spans.dump(1);  // of the one request that was sampled
  const json& root = spans[0];
  EXPECT_EQ(root["parentSpanId"], kParent);
  EXPECT_EQ(root["name"], "POST /v2/models/{model}/infer");
  std::set<std::string> stages;
  std::set<std::string> ids = {root["spanId"]};
  for (const json& span : spans) {
    EXPECT_EQ(span["traceId"], kTrace);
    EXPECT_LE(std::stoll(root["startTimeUnixNano"].get<std::string>()),
              std::stoll(span["startTimeUnixNano"].get<std::string>()));
    EXPECT_GE(std::stoll(root["endTimeUnixNano"].get<std::string>()),
              std::stoll(span["endTimeUnixNano"].get<std::string>()));
    if (span != root) {
      EXPECT_EQ(span["parentSpanId"], root["spanId"]);
      EXPECT_TRUE(ids.insert(span["spanId"]).second);
      stages.insert(span["name"]);
    }
  }
  EXPECT_EQ(stages,
            (std::set<std::string>{"compute_input", "queue", "compute_infer", "compute_output"}));

  const auto text = client.Send("GET", "/metrics", {},
                                {{"Accept", "application/openmetrics-text;version=1.0.0"}});
  ASSERT_TRUE(text.ok());
  const OpenMetricsText metrics(text->body);
  EXPECT_EQ(metrics.error, "");
  bool found = false;
  for (const auto& sample : metrics.Named("vitrine_http_request_seconds_bucket")) {
    found |= sample.labels.at("route") == "/v2/models/{model}/infer" &&
             sample.exemplar == std::map<std::string, std::string>{{"trace_id", kTrace}};
  }
  EXPECT_TRUE(found) << text->body;
  const auto exported = metrics.Named("vitrine_trace_spans_total");
  ASSERT_EQ(exported.size(), 3U);

  // What waits is sent before the program ends.
  ASSERT_EQ(
      client.Send("GET", "/livez", {}, {{"traceparent", "00-" + kTrace + "-" + kParent + "-01"}})
          ->status,
      200);
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(SpansIn(collector.Wait(2)[1])[0]["name"], "GET /livez");
}

TEST(Trace, AnEndpointThatNeedsTlsIsRefusedAndNoneIsNoHindrance) {
  const Folder folder;
  const auto refused =
      RunProgram("vitrine", {"--data", folder.path(), "--set", "server.listen=127.0.0.1:0", "--set",
                             "trace.otlp_endpoint=https://127.0.0.1:4318/v1/traces", "up"});
  EXPECT_EQ(refused.exit_code, kExitUsage);
  EXPECT_NE(refused.last_error_lines.find("trace.otlp_endpoint"), std::string::npos)
      << refused.last_error_lines;
  // Nobody listens there: requests are answered, and the end does not wait.
  RunningServer server(folder.path(), {"--set", "trace.otlp_endpoint=http://127.0.0.1:9/v1/traces",
                                       "--set", "trace.sample_ratio=1"});
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(server.Client().Get("/livez")->status, 200);
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace vitrine::e2e
