#include "transport/http/metrics_format.h"

#include <algorithm>
#include <charconv>

#include "transport/http/message.h"

namespace vitrine::http {
namespace {

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what stands before the next `separator` off the front.
std::string_view Next(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view one = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return Trimmed(one);
}

struct MediaRange {
  std::string_view type;
  std::string_view version;
  double weight = 1;
};

MediaRange ReadRange(std::string_view text) {
  MediaRange range;
  range.type = Next(text, ';');
  while (!text.empty()) {
    std::string_view value = Next(text, ';');
    const std::string_view name = Next(value, '=');
    if (EqualNoCase(name, "version")) {
      range.version = value;
    } else if (EqualNoCase(name, "q")) {
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), range.weight);
      if (error != std::errc() || end != value.data() + value.size()) {
        range.weight = 0;
      }
    }
  }
  return range;
}

bool IsVersion(const MediaRange& range, std::string_view version) {
  return range.version.empty() || range.version == version;
}

}  // namespace

bool PrefersOpenMetrics(std::string_view accept) {
  double open = 0;
  double plain = 0;
  while (!accept.empty()) {
    const MediaRange range = ReadRange(Next(accept, ','));
    if (EqualNoCase(range.type, "application/openmetrics-text") && IsVersion(range, "1.0.0")) {
      open = std::max(open, range.weight);
    } else if (EqualNoCase(range.type, "text/plain") && IsVersion(range, "0.0.4")) {
      plain = std::max(plain, range.weight);
    }
  }
  return open > 0 && open >= plain;
}

}  // namespace vitrine::http
