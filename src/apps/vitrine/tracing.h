/// Spans to a collector, by the settings trace.*.
#pragma once

#include <memory>

#include "apps/vitrine/settings.h"
#include "core/metrics.h"
#include "core/status.h"
#include "transport/http/tracer.h"

namespace vitrine::apps {

struct Tracing {
  std::unique_ptr<SpanSink>
      spans;  ///< null where trace.otlp_endpoint is empty; sends what waits when it dies
  double sample_ratio = 0;

  [[nodiscard]] http::TracerOptions options() const {
    return {.spans = spans.get(), .sample_ratio = sample_ratio};
  }
};

/// `metrics` must outlive it.
/// Errors: kInvalidArgument (an address, a share or a header that cannot be used: names the setting),
///         kNotFound (trace.otlp_headers_file).
Result<Tracing> OpenTracing(const Settings& settings, MetricRegistry& metrics);

}  // namespace vitrine::apps
