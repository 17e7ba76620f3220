/// One piece of work of a trace, and the port that takes it once it is over. Filled only for requests that are
/// sampled; never holds secrets, user ids, item ids or addresses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/trace_context.h"

namespace vitrine {

/// Values of OpenTelemetry's protocol.
enum class SpanKind : std::uint8_t { kInternal = 1, kServer = 2 };

struct SpanAttribute {
  std::string_view key;  ///< a literal
  std::variant<std::string, std::int64_t> value;
};

/// A part of a span's time that is shown as a child of its own.
struct SpanStage {
  std::string_view name;  ///< a literal
  std::int64_t begun = 0;
  std::int64_t ended = 0;
};

/// Units: times in nanoseconds since 1970, UTC.
struct Span {
  TraceId trace{};
  SpanId id{};
  SpanId parent{};  ///< of the caller, another program; all zero: the trace begins here
  SpanKind kind = SpanKind::kServer;
  std::string name;  ///< from a bounded set: method and route pattern
  std::int64_t begun = 0;
  std::int64_t ended = 0;
  bool failed = false;
  std::vector<SpanAttribute> attributes;
  std::vector<SpanStage> stages;
};

/// Port: who takes spans. Implemented by adapters/otlp.
/// Threads: any, several at once.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  /// Called on a serving thread: must be quick and must not wait for I/O. May lose the span, and counts it then.
  virtual void Take(Span span) = 0;
};

}  // namespace vitrine
