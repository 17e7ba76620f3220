/// From a request to its span: takes the caller's trace or starts one, and hands the span over at the end.
/// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "core/metrics.h"
#include "core/span.h"
#include "transport/http/message.h"

namespace vitrine::http {

struct TracerOptions {
  SpanSink* spans = nullptr;  ///< null: none are made; must outlive the tracer
  double sample_ratio = 0;    ///< share of the traces that start here; callers decide for their own
};

class Tracer {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Tracer(TracerOptions options = {}) : options_(options) {}

  /// Reads `traceparent`; one that is malformed or there twice is as good as none. A trace starts here only
  /// where spans are kept, since nobody else would know of it.
  void Begin(Request& head) const;
  /// What the request says to a histogram, and its span to whom it may concern. Precondition: it is sampled.
  /// `route` is the pattern; empty where nothing matched. Reads the system clock once.
  Exemplar Finish(const Request& request, std::string_view route, int status,
                  Clock::time_point begun, Clock::time_point ended) const;

 private:
  TracerOptions options_;
};

}  // namespace vitrine::http
