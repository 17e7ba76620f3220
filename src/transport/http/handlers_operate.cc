// Health, metrics, the contract, monitors, and the page at "/".
#include <algorithm>
#include <array>
#include <string>

#include "data/timestamp.h"
#include "monitor/windows/window_counts.h"
#include "transport/http/auth.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/metrics_format.h"
#include "transport/http/routes.h"

namespace vitrine::http {
namespace {

void AppendHtml(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '"':
        out.append("&quot;");
        break;
      default:
        out.push_back(c);
    }
  }
}

}  // namespace

// Alive: the process answers. Says nothing of models or disks.
void GetLive(const Services&, Request&, Response& response) {
  response.body.append("{\"status\":\"alive\"}");
}

void GetReady(const Services& services, Request& request, Response& response) {
  const Status status = services.ready ? services.ready() : Status::Ok();
  if (!status.ok()) {
    response.AddHeader("Retry-After", "1");
    WriteProblem(response, request.id(), 503, "not_ready", status.message());
    return;
  }
  JsonWriter(response.body)
      .BeginObject()
      .Field("status", "ready")
      .FieldIfAny("grpc", services.grpc_address ? services.grpc_address() : std::string())
      .EndObject();
}

void GetMetrics(const Services& services, Request& request, Response& response) {
  if (!Need(services.metrics, "metrics", request, response)) {
    return;
  }
  response.AddHeader("Vary", "Accept");
  if (PrefersOpenMetrics(request.header("Accept"))) {
    response.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.body = services.metrics->WriteOpenMetrics();
  } else {
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = services.metrics->WriteText();
  }
}

void GetOpenApi(const Services&, Request&, Response& response) {
  response.content_type = "application/yaml; charset=utf-8";
  response.AddHeader("Cache-Control", "no-cache");
  response.body.append(OpenApiYaml());
}

void GetMonitor(const Services& services, Request& request, Response& response) {
  if (!Need(services.monitors, "monitors", request, response)) {
    return;
  }
  auto report = services.monitors->Report(request.arg(0));
  if (!report.ok()) {
    WriteProblem(response, request.id(), report.status());
    return;
  }
  response.body = std::move(report).value();
}

void GetDiagnosis(const Services& services, Request& request, Response& response) {
  if (!Need(services.diagnosis, "diagnosis", request, response)) {
    return;
  }
  auto diagnosis = services.diagnosis->Diagnose(request.QueryValue("question").value_or("all"),
                                                request.QueryValue("language").value_or("en"));
  if (!diagnosis.ok()) {
    WriteProblem(response, request.id(), diagnosis.status());
    return;
  }
  response.body = std::move(diagnosis).value();
}

void GetRetraining(const Services& services, Request& request, Response& response) {
  if (!services.retraining) {
    WriteProblem(response, request.id(), 503, "not_configured", "nothing watches over retraining");
    return;
  }
  response.body = services.retraining();
}

namespace {

constexpr std::int64_t kMostPoints = 800;
constexpr std::int64_t kHoursOfDay = 24;

/// A query parameter as an hour; false after writing a problem.
bool ReadHour(const Request& request, Response& response, std::string_view name, bool up,
              std::int64_t& hour) {
  const auto text = request.QueryValue(name);
  if (!text) {
    return true;
  }
  const auto time = data::ParseTime(*text);
  if (!time.ok()) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'" + std::string(name) + "': " + std::string(time.status().message()));
    return false;
  }
  hour = monitor::HourAt({time->time.value + (up ? monitor::kMicrosPerHour - 1 : 0)});
  return true;
}

}  // namespace

void GetMonitorHistory(const Services& services, Request& request, Response& response) {
  if (!Need(services.monitors, "monitors", request, response)) {
    return;
  }
  monitor::WindowRange range;
  const std::string_view kind = request.arg(0);
  using monitor::WindowKind;
  constexpr std::array kKinds = {WindowKind::kService, WindowKind::kQuality, WindowKind::kDrift};
  const auto found = std::find_if(kKinds.begin(), kKinds.end(), [kind](WindowKind one) {
    return monitor::WindowKindName(one) == kind;
  });
  if (found == kKinds.end()) {
    WriteProblem(response, request.id(),
                 NotFound("there is a history of: service, quality, drift; not of '" +
                          std::string(kind) + "'"));
    return;
  }
  range.kind = *found;
  const std::string step = request.QueryValue("step").value_or("hour");
  if (step != "hour" && step != "day") {
    WriteProblem(response, request.id(), 400, "invalid_argument", "'step' must be hour or day.");
    return;
  }
  const std::int64_t hours = step == "day" ? kHoursOfDay : 1;
  range.until = monitor::HourAt(Now()) + 1;
  if (!ReadHour(request, response, "until", true, range.until)) {
    return;
  }
  range.from = range.until - (hours == 1 ? kHoursOfDay : 7 * kHoursOfDay);
  if (!ReadHour(request, response, "from", false, range.from)) {
    return;
  }
  // Whole days: a part of one would look like a bad day.
  range.from = monitor::StepOf(range.from, hours);
  range.until = monitor::StepOf(range.until + hours - 1, hours);
  if (range.from >= range.until || (range.until - range.from) / hours > kMostPoints) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'from' must be before 'until', and not more than 800 steps before it.");
    return;
  }
  range.model = request.QueryValue("model");
  range.scene = request.QueryValue("scene");
  range.feature = request.QueryValue("feature");
  if (range.kind == WindowKind::kDrift && range.scene) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "Features are counted by version, over all its scenes; leave 'scene' out.");
    return;
  }
  auto history = services.monitors->History(range, hours);
  if (!history.ok()) {
    WriteProblem(response, request.id(), history.status());
    return;
  }
  response.body = std::move(history).value();
}

// Where a browser lands: what this is, where its data lie, and what to do next.
void GetStartPage(const Services& services, Request& request, Response& response) {
  response.content_type = "text/html; charset=utf-8";
  response.AddHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  response.AddHeader("Cache-Control", "no-store");
  std::string& out = response.body;
  out.append(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Vitrine</title>"
      "</head><body><h1>Vitrine ");
  AppendHtml(out, services.version);
  out.append(
      "</h1><p>Search and recommendation for an online shop. This server answers the API; "
      "it has no console.</p>");
  if (!services.data_dir.empty() && request.scope().permissions == kAllPermissions) {
    out.append("<p>Data directory: <code>");
    AppendHtml(out, services.data_dir);
    out.append("</code></p>");
  }
  out.append(
      "<ul><li><a href=\"/openapi.yaml\">/openapi.yaml</a>: every route</li>"
      "<li><a href=\"/readyz\">/readyz</a>: whether it can answer</li>"
      "<li><a href=\"/metrics\">/metrics</a>: Prometheus metrics</li>"
      "<li><a href=\"/v1/models\">/v1/models</a>: model versions</li></ul>"
      "<p>Next commands:</p><pre>vitrine status\n"
      "vitrine run PATH --mapping NAME\n"
      "curl -s localhost/v1/recommend -d '{\"user_id\": \"u1\", \"n\": 10}'</pre></body></html>\n");
}

}  // namespace vitrine::http
