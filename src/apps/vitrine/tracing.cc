#include "apps/vitrine/tracing.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/otlp/span_exporter.h"
#include "transport/http/client.h"

namespace vitrine::apps {
namespace {

constexpr std::string_view kEndpoint = "trace.otlp_endpoint";
constexpr std::string_view kHeadersFile = "trace.otlp_headers_file";
constexpr std::string_view kStandardPath = "/v1/traces";

struct Collector {
  http::Endpoint endpoint;
  std::string path;
  http::HeaderList headers;
};

Result<Collector> CollectorOf(const std::string& url) {
  if (url.starts_with("https://")) {
    return InvalidArgument(fmt::format(
        "{} is '{}', and TLS is not spoken: name a collector or a proxy on this machine or network "
        "that takes http:// and goes on by TLS",
        kEndpoint, url));
  }
  if (!url.starts_with("http://")) {
    return InvalidArgument(
        fmt::format("{} is '{}'; write http://HOST:PORT/v1/traces", kEndpoint, url));
  }
  Collector collector;
  Result<http::Endpoint> endpoint = http::ParseEndpoint(url);
  if (!endpoint.ok()) {
    return InvalidArgument(fmt::format("{}: {}", kEndpoint, endpoint.status().message()));
  }
  collector.endpoint = *std::move(endpoint);
  const std::size_t slash = url.find('/', std::string_view("http://").size());
  collector.path = slash == std::string::npos ? "/" : url.substr(slash);
  if (collector.path == "/") {
    collector.path = kStandardPath;
  }
  if (std::any_of(collector.path.begin(), collector.path.end(),
                  [](unsigned char c) { return c <= ' ' || c >= 0x7f; })) {
    return InvalidArgument(fmt::format("{} holds a character that no address has", kEndpoint));
  }
  return collector;
}

/// Lines "Name: value"; empty lines are left out. Values are secrets: no message repeats them.
Result<http::HeaderList> ReadHeaders(const std::string& file) {
  http::HeaderList headers;
  std::ifstream in(file);
  if (!in) {
    return NotFound(fmt::format("{} names '{}', which cannot be read", kHeadersFile, file));
  }
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) {
      line.pop_back();
    }
    if (line.empty()) {
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    const bool clean = std::all_of(line.begin(), line.end(),
                                   [](unsigned char c) { return c >= ' ' && c != 0x7f; });
    if (colon == 0 || colon == std::string::npos || value == std::string::npos || !clean ||
        line.substr(0, colon).find(' ') != std::string::npos) {
      return InvalidArgument(
          fmt::format("{}: {}:{} is not a header; write NAME: VALUE", kHeadersFile, file, number));
    }
    headers.emplace_back(line.substr(0, colon), line.substr(value));
  }
  return headers;
}

/// A connection a call: the next one is seconds away, and a call has its own time limit.
Result<adapters::OtlpAnswer> Post(const Collector& collector, std::string_view json,
                                  Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  http::Client client(
      collector.endpoint,
      {.connect_timeout = left, .timeout = left, .max_answer_bytes = 1 << 20, .api_key = {}});
  http::HeaderList headers = collector.headers;
  headers.emplace_back("Content-Type", "application/json");
  ASSIGN_OR_RETURN(http::ClientResponse answer, client.Send("POST", collector.path, json, headers));
  return adapters::OtlpAnswer{.status = answer.status,
                              .retry_after = std::string(answer.header("Retry-After")),
                              .body = std::move(answer.body)};
}

/// A random UUID, version 4.
std::string InstanceId() {
  TraceId id = NewTraceId();
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  std::string text = HexOf(id);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) {
    text.insert(at, "-");
  }
  return text;
}

}  // namespace

Result<Tracing> OpenTracing(const Settings& settings, MetricRegistry& metrics) {
  Tracing tracing;
  ASSIGN_OR_RETURN(tracing.sample_ratio, settings.Share("trace.sample_ratio"));
  const std::string& url = settings.Text(kEndpoint);
  if (url.empty()) {
    return tracing;
  }
  ASSIGN_OR_RETURN(Collector collector, CollectorOf(url));
  if (const std::string& file = settings.Text(kHeadersFile); !file.empty()) {
    ASSIGN_OR_RETURN(collector.headers, ReadHeaders(file));
  }
  tracing.spans = std::make_unique<adapters::SpanExporter>(adapters::SpanExporterOptions{
      .post = [collector = std::move(collector)](
                  std::string_view json,
                  Deadline deadline) { return Post(collector, json, deadline); },
      .resource = {.version = VITRINE_VERSION, .instance_id = InstanceId()},
      .metrics = &metrics});
  return tracing;
}

}  // namespace vitrine::apps
