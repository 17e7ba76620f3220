/// Spans as an ExportTraceServiceRequest in OTLP's JSON encoding: ids in hexadecimal, 64-bit numbers as strings,
/// enumerations as numbers. Threads: functions.
/// Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding"; opentelemetry-proto trace.proto.
#pragma once

#include <span>
#include <string>

#include "core/span.h"

namespace vitrine::adapters {

/// Who sends the spans.
struct OtlpResource {
  std::string version;      ///< of this program
  std::string instance_id;  ///< of this process
};

/// Stages become children whose ids are made here.
std::string SpansToJson(const OtlpResource& resource, std::span<const Span> spans);

/// What a span becomes when it is sent: itself and its stages.
inline std::size_t SpansOf(const Span& span) { return 1 + span.stages.size(); }

}  // namespace vitrine::adapters
