#include "adapters/otlp/span_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace vitrine::adapters {
namespace {

constexpr std::string_view kName = "vitrine";
// Bits of a span's flags: the caller's own (sampled), whether it is known that the parent is remote, and that.
constexpr unsigned kSampled = 1;
constexpr unsigned kRemoteKnown = 0x100;
constexpr unsigned kRemote = 0x200;
constexpr int kStatusError = 2;

void AppendText(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendAttribute(std::string& out, std::string_view key, std::string_view text) {
  out += "{\"key\":";
  AppendText(out, key);
  out += ",\"value\":{\"stringValue\":";
  AppendText(out, text);
  out += "}}";
}

void AppendAttribute(std::string& out, const SpanAttribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    AppendAttribute(out, attribute.key, *text);
    return;
  }
  out += "{\"key\":";
  AppendText(out, attribute.key);
  fmt::format_to(std::back_inserter(out), ",\"value\":{{\"intValue\":\"{}\"}}}}",
                 std::get<std::int64_t>(attribute.value));
}

/// One span up to its attributes; the object stays open.
void AppendHead(std::string& out, const Span& span, const SpanId& id, const SpanId& parent,
                bool remote) {
  fmt::format_to(std::back_inserter(out), "{{\"traceId\":\"{}\",\"spanId\":\"{}\"",
                 HexOf(span.trace), HexOf(id));
  if (parent != SpanId{}) {
    fmt::format_to(std::back_inserter(out), ",\"parentSpanId\":\"{}\"", HexOf(parent));
  }
  fmt::format_to(std::back_inserter(out), ",\"flags\":{}",
                 kSampled | kRemoteKnown | (remote ? kRemote : 0));
}

void AppendTimes(std::string& out, SpanKind kind, std::int64_t begun, std::int64_t ended) {
  fmt::format_to(std::back_inserter(out),
                 ",\"kind\":{},\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\"",
                 static_cast<int>(kind), begun, std::max(begun, ended));
}

void AppendSpan(std::string& out, const Span& span) {
  AppendHead(out, span, span.id, span.parent, span.parent != SpanId{});
  out += ",\"name\":";
  AppendText(out, span.name);
  AppendTimes(out, span.kind, span.begun, span.ended);
  out += ",\"attributes\":[";
  for (const SpanAttribute& attribute : span.attributes) {
    out += &attribute == span.attributes.data() ? "" : ",";
    AppendAttribute(out, attribute);
  }
  out += "]";
  if (span.failed) {
    out += fmt::format(",\"status\":{{\"code\":{}}}", kStatusError);
  }
  out += "}";
  for (const SpanStage& stage : span.stages) {
    out += ",";
    AppendHead(out, span, NewSpanId(), span.id, false);
    out += ",\"name\":";
    AppendText(out, stage.name);
    AppendTimes(out, SpanKind::kInternal, stage.begun, stage.ended);
    out += "}";
  }
}

}  // namespace

std::string SpansToJson(const OtlpResource& resource, std::span<const Span> spans) {
  std::string out = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[";
  AppendAttribute(out, "service.name", kName);
  out += ",";
  AppendAttribute(out, "service.version", resource.version);
  out += ",";
  AppendAttribute(out, "service.instance.id", resource.instance_id);
  out += "]},\"scopeSpans\":[{\"scope\":{\"name\":";
  AppendText(out, kName);
  out += ",\"version\":";
  AppendText(out, resource.version);
  out += "},\"spans\":[";
  for (const Span& span : spans) {
    out += &span == spans.data() ? "" : ",";
    AppendSpan(out, span);
  }
  return out + "]}]}]}";
}

}  // namespace vitrine::adapters
