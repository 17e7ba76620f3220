#include "apps/vitrine/diagnosis_print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

namespace vitrine::apps {
namespace {

using nlohmann::json;

std::string NumberText(const json& value, const std::string& unit) {
  if (!value.is_number()) {
    return "-";
  }
  const double number = value.get<double>();
  if (unit == "share") {
    return fmt::format("{:.3g} %", 100 * number);
  }
  if (unit == "s") {
    return std::abs(number) < 1 ? fmt::format("{:.3g} ms", 1000 * number)
                                : fmt::format("{:.4g} s", number);
  }
  if (unit == "bytes") {
    return fmt::format("{:.3g} MB", number / 1e6);
  }
  return fmt::format("{:.4g}{}", number, unit.empty() ? "" : " " + unit);
}

std::string EvidenceText(const json& line, const char* not_found) {
  const std::string unit = line.value("unit", "");
  const std::string subject = line.value("subject", "");
  const std::string detail = line.value("detail", "");
  if (line.value("name", "") == "found") {
    return fmt::format("   {}: {}\n", not_found, subject);
  }
  std::string text = "   " + line.value("text", "");
  if (!subject.empty()) {
    text += " (" + subject + ")";
  }
  const bool before = line.contains("before") && line["before"].is_number();
  const bool after = line.contains("after") && line["after"].is_number();
  if (before && after) {
    text += fmt::format(": {} -> {}", NumberText(line["before"], unit),
                        NumberText(line["after"], unit));
  } else if (before || after) {
    text += ": " + NumberText(before ? line["before"] : line["after"], unit);
  }
  if (!detail.empty()) {
    text += (before || after ? "; " : ": ") + detail;
  }
  return text + "\n";
}

bool SaysSomething(const json& line) {
  return line.contains("before") &&
         (line["before"].is_number() || line["after"].is_number() ||
          !line.value("subject", "").empty() || !line.value("detail", "").empty());
}

std::string Names(const json& looks, const char* field) {
  std::string text;
  for (const json& look : looks) {
    text += (text.empty() ? "" : ", ") + look.value(field, "");
  }
  return text;
}

struct Words {
  const char* nothing;
  const char* next;
  const char* looked;
  const char* not_looked;
  const char* down;
  const char* not_found;
};
constexpr Words kEnglish{"Nothing found.",
                         "next",
                         "Looked at, and well: ",
                         "Not looked at: ",
                         "No server answers, so what it counts is not known.",
                         "not found"};
constexpr Words kChinese{"没有发现问题。",
                         "下一步",
                         "已检查且正常：",
                         "未检查：",
                         "服务没有应答，因此无法得知它的统计数据。",
                         "未找到"};

}  // namespace

json Together(const json& server, const json& here) {
  json both = server;
  both["causes"] = json::array();
  std::merge(server["causes"].begin(), server["causes"].end(), here["causes"].begin(),
             here["causes"].end(), std::back_inserter(both["causes"]),
             [](const json& a, const json& b) {
               return a.value("confidence", 0.0) > b.value("confidence", 0.0);
             });
  std::set<std::string> known;
  for (const json& look : server["healthy"]) {
    known.insert(look.value("name", ""));
  }
  for (const json& look : here["healthy"]) {
    if (known.insert(look.value("name", "")).second) {
      both["healthy"].push_back(look);
    }
  }
  // What is bad from here is in neither list of `here`: the server, which could not look, adds nothing to it.
  std::set<std::string> open;
  for (const json& look : here["not_looked_at"]) {
    open.insert(look.value("name", ""));
  }
  const std::set<std::string> outside = {"name", "connect", "tls", "http", "scrape", "listeners"};
  both["not_looked_at"] = json::array();
  for (const json& look : server["not_looked_at"]) {
    const std::string name = look.value("name", "");
    if (!known.contains(name) && (!outside.contains(name) || open.contains(name))) {
      both["not_looked_at"].push_back(look);
    }
  }
  return both;
}

std::string DiagnosisText(const json& diagnosis, monitor::Language language) {
  const Words& words = language == monitor::Language::kChinese ? kChinese : kEnglish;
  std::string text = diagnosis.value("text", "") + "\n";
  if (diagnosis.value("server", "") != "running") {
    text += fmt::format("{} ({})\n", words.down, diagnosis.value("server_says", ""));
  }
  const json causes = diagnosis.value("causes", json::array());
  if (causes.empty()) {
    text += std::string("\n") + words.nothing + "\n";
  }
  std::size_t number = 0;
  for (const json& cause : causes) {
    text += fmt::format("\n{}. {} ({:.0f} %, {})\n", ++number, cause.value("text", ""),
                        100 * cause.value("confidence", 0.0), cause.value("code", ""));
    for (const json& line : cause["evidence"]) {
      if (SaysSomething(line)) {
        text += EvidenceText(line, words.not_found);
      }
    }
    for (const json& step : cause["next"]) {
      const bool command = step.contains("command") && step["command"].is_string();
      text += fmt::format("   {}: {}{}\n", words.next,
                          command ? step["command"].get<std::string>() + "   " : "",
                          step.value("text", ""));
    }
  }
  const json healthy = diagnosis.value("healthy", json::array());
  const json open = diagnosis.value("not_looked_at", json::array());
  if (!healthy.empty()) {
    text += "\n" + std::string(words.looked) + Names(healthy, "text") + "\n";
  }
  if (!open.empty()) {
    text +=
        (healthy.empty() ? "\n" : "") + std::string(words.not_looked) + Names(open, "name") + "\n";
  }
  return text;
}

}  // namespace vitrine::apps
