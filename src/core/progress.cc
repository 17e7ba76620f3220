#include "core/progress.h"

#include <fmt/format.h>

namespace vitrine {
namespace {
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + '"';
}
}  // namespace

std::string ProgressJsonLine(const ProgressReport& report, double seconds_left) {
  std::string out = fmt::format(R"({{"progress":{},"done":{},"total":{},"unit":{},"detail":{})",
                                Quoted(report.stage), report.done, report.total,
                                Quoted(report.unit), Quoted(report.detail));
  if (seconds_left >= 0) {
    out += fmt::format(R"(,"seconds_left":{:.1f})", seconds_left);
  }
  return out + "}\n";
}

}  // namespace vitrine
