/// Ids of distributed tracing and the header that carries them between programs.
/// Source: W3C Trace Context (Recommendation, 2021), section 3.2 "traceparent".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vitrine {

/// All zero: none.
using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

/// Who calls: the trace that a call belongs to, and the caller's span in it.
struct TraceContext {
  TraceId trace{};
  SpanId parent{};
  bool sampled = false;  ///< the caller records this trace
  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

/// A value of the header `traceparent`. None where it is malformed: the header is then as good as absent.
/// Version 00 is read strictly; of later versions what 00 has, whatever follows behind a "-".
std::optional<TraceContext> ParseTraceParent(std::string_view header);
/// As version 00.
std::string FormatTraceParent(const TraceContext& context);

/// Random, not zero, from a generator of the calling thread that is seeded by the system. Not for secrets.
TraceId NewTraceId();
SpanId NewSpanId();

/// Whether a trace that starts here is recorded: the same answer for the same id in every program.
/// Units: ratio in [0, 1].
bool InSample(const TraceId& trace, double ratio);

/// Lower-case hexadecimal digits.
std::string HexOf(std::span<const std::uint8_t> id);

}  // namespace vitrine
