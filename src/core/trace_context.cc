#include "core/trace_context.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

namespace vitrine {
namespace {

// "00-<32>-<16>-<2>"
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kParentAt = 36;
constexpr std::size_t kFlagsAt = 53;
constexpr std::size_t kSize = 55;
constexpr std::uint8_t kSampledFlag = 1;

int Digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ReadHex(std::string_view digits, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = Digit(digits[2 * i]);
    const int low = Digit(digits[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

bool IsZero(std::span<const std::uint8_t> id) {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

// SplitMix64 (Steele, Lea, Flood 2014): a counter through a mixing function; one word of state.
std::uint64_t NextRandom() {
  thread_local std::uint64_t state = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }();
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

template <typename Id>
Id NewId() {
  Id id{};
  while (IsZero(id)) {
    for (std::size_t at = 0; at < id.size(); at += sizeof(std::uint64_t)) {
      const std::uint64_t word = NextRandom();
      std::memcpy(id.data() + at, &word, sizeof(word));
    }
  }
  return id;
}

}  // namespace

std::optional<TraceContext> ParseTraceParent(std::string_view header) {
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceContext context;
  if (header.size() < kSize || header[kTraceAt - 1] != '-' || header[kParentAt - 1] != '-' ||
      header[kFlagsAt - 1] != '-' || !ReadHex(header, version) ||
      !ReadHex(header.substr(kTraceAt), context.trace) ||
      !ReadHex(header.substr(kParentAt), context.parent) ||
      !ReadHex(header.substr(kFlagsAt), flags) || IsZero(context.trace) || IsZero(context.parent)) {
    return std::nullopt;
  }
  const bool longer = header.size() > kSize;
  if (version[0] == 0xff || (version[0] == 0 && longer) || (longer && header[kSize] != '-')) {
    return std::nullopt;
  }
  context.sampled = (flags[0] & kSampledFlag) != 0;
  return context;
}

std::string FormatTraceParent(const TraceContext& context) {
  return "00-" + HexOf(context.trace) + "-" + HexOf(context.parent) +
         (context.sampled ? "-01" : "-00");
}

TraceId NewTraceId() { return NewId<TraceId>(); }
SpanId NewSpanId() { return NewId<SpanId>(); }

// The rightmost 7 bytes are those that the specification's second level asks to be random.
bool InSample(const TraceId& trace, double ratio) {
  std::uint64_t value = 0;
  for (std::size_t i = 9; i < trace.size(); ++i) {
    value = value << 8 | trace[i];
  }
  return static_cast<double>(value) < std::ldexp(ratio, 56);
}

std::string HexOf(std::span<const std::uint8_t> id) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * id.size());
  for (const std::uint8_t byte : id) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace vitrine
