// Names of attributes: OpenTelemetry's semantic conventions for HTTP servers, 1.23 and later. url.path and the
// client's address, which those have too, are left out: paths hold users' ids, and addresses are personal.
#include "transport/http/tracer.h"

#include <string>
#include <utility>

namespace vitrine::http {
namespace {

constexpr std::string_view kHeader = "traceparent";

/// The one value of the header; empty where it is absent or there are several.
std::string_view HeaderOf(const Request& head) {
  std::string_view found;
  bool several = false;
  for (std::size_t i = 0; i < head.header_count(); ++i) {
    if (EqualNoCase(head.header_name(i), kHeader)) {
      several = !found.empty();
      found = several ? std::string_view() : head.header_value(i);
      if (several) {
        break;
      }
    }
  }
  return found;
}

std::string_view MethodText(Method method) {
  return method == Method::kOther ? "_OTHER" : MethodName(method);
}

std::string NameOf(Method method, std::string_view route) {
  std::string name(method == Method::kOther ? "HTTP" : MethodName(method));
  if (!route.empty()) {
    name.append(" ").append(route);
  }
  return name;
}

std::vector<SpanAttribute> AttributesOf(const Request& request, std::string_view route,
                                        int status) {
  std::vector<SpanAttribute> all = {
      {"http.request.method", std::string(MethodText(request.method()))},
      {"http.response.status_code", std::int64_t{status}},
      {"url.scheme", "http"},
      {"vitrine.request_id", request.id()}};
  if (!route.empty()) {
    all.push_back({"http.route", std::string(route)});
  }
  if (status >= 500) {
    all.push_back({"error.type", std::to_string(status)});
  }
  if (const std::string& model = request.scope().trace.model(); !model.empty()) {
    all.push_back({"vitrine.model", model});
  }
  return all;
}

}  // namespace

void Tracer::Begin(Request& head) const {
  TraceContext context;
  if (const auto parsed = ParseTraceParent(HeaderOf(head))) {
    context = *parsed;
  } else if (options_.spans != nullptr && options_.sample_ratio > 0) {
    context.trace = NewTraceId();
    context.sampled = InSample(context.trace, options_.sample_ratio);
  }
  head.scope().trace.Begin(context);
}

Exemplar Tracer::Finish(const Request& request, std::string_view route, int status,
                        Clock::time_point begun, Clock::time_point ended) const {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  const RequestTrace& trace = request.scope().trace;
  const std::int64_t end =
      duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto wall = [&](Clock::time_point at) {
    return end - duration_cast<nanoseconds>(ended - at).count();
  };
  if (options_.spans != nullptr) {
    Span span{.trace = trace.context().trace,
              .id = NewSpanId(),
              .parent = trace.context().parent,
              .kind = SpanKind::kServer,
              .name = NameOf(request.method(), route),
              .begun = wall(begun),
              .ended = end,
              .failed = status >= 500,
              .attributes = AttributesOf(request, route, status),
              .stages = {}};
    span.stages.reserve(trace.stages());
    for (std::size_t i = 0; i < trace.stages(); ++i) {
      const RequestTrace::Stage& stage = trace.stage(i);
      span.stages.push_back({stage.name, wall(stage.begun), wall(stage.ended)});
    }
    options_.spans->Take(std::move(span));
  }
  return {.trace = trace.context().trace,
          .value = std::chrono::duration<double>(ended - begun).count(),
          .at = Micros{end / 1000}};
}

}  // namespace vitrine::http
