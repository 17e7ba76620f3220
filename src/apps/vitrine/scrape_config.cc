#include "apps/vitrine/scrape_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct Line {
  std::size_t indent = 0;
  std::string text;
  std::size_t number = 0;
};

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  return text;
}

/// Without a comment, which begins at a # after a space that stands in no quotes.
std::string_view WithoutComment(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      quote = c == quote ? char{0} : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (i == 0 || text[i - 1] == ' ')) {
      return text.substr(0, i);
    }
  }
  return text;
}

std::vector<Line> LinesOf(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view all = WithoutComment(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string_view trimmed = Trimmed(all);
    if (!trimmed.empty() && trimmed != "---") {
      lines.push_back({all.find_first_not_of(' '), std::string(trimmed), number});
    }
  }
  return lines;
}

std::string Unquoted(std::string_view text) {
  text = Trimmed(text);
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

json ScalarOf(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) {
    return Unquoted(text);
  }
  json list = json::array();
  text = text.substr(1, text.size() - 2);
  while (!Trimmed(text).empty()) {
    const std::size_t comma = text.find(',');
    list.push_back(Unquoted(text.substr(0, comma)));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return list;
}

/// Where the colon of "key: value" or "key:" stands.
std::optional<std::size_t> KeyEnd(std::string_view text) {
  if (text.starts_with('"') || text.starts_with('\'') || text.starts_with('[')) {
    return std::nullopt;
  }
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1)) {
    if (at + 1 == text.size() || text[at + 1] == ' ') {
      return at;
    }
  }
  return std::nullopt;
}

bool IsItem(std::string_view text) { return text == "-" || text.starts_with("- "); }

class Reader {
 public:
  explicit Reader(std::vector<Line> lines) : lines_(std::move(lines)) {}
  json Read() { return lines_.empty() ? json() : Block(lines_.front().indent, 0); }
  /// Of the first line that was not understood; 0: all were.
  [[nodiscard]] std::size_t stopped() const { return at_ < lines_.size() ? lines_[at_].number : 0; }

 private:
  static constexpr int kDeepest = 32;

  [[nodiscard]] bool At(std::size_t indent) const {
    return at_ < lines_.size() && lines_[at_].indent == indent;
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as kDeepest
  json Block(std::size_t indent, int depth) {
    if (depth > kDeepest) {
      return {};
    }
    if (IsItem(lines_[at_].text)) {
      return List(indent, depth);
    }
    if (!KeyEnd(lines_[at_].text)) {
      return ScalarOf(lines_[at_++].text);
    }
    json map = json::object();
    while (At(indent) && !IsItem(lines_[at_].text)) {
      const std::string text = lines_[at_].text;
      const auto colon = KeyEnd(text);
      if (!colon) {
        break;
      }
      const std::string key = Unquoted(std::string_view(text).substr(0, *colon));
      const std::string_view value = Trimmed(std::string_view(text).substr(*colon + 1));
      ++at_;
      if (!value.empty()) {
        map[key] = ScalarOf(value);
      } else if (at_ < lines_.size() &&
                 (lines_[at_].indent > indent || (At(indent) && IsItem(lines_[at_].text)))) {
        map[key] = Block(lines_[at_].indent, depth + 1);
      }
    }
    return map;
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as kDeepest
  json List(std::size_t indent, int depth) {
    json list = json::array();
    while (At(indent) && IsItem(lines_[at_].text)) {
      Line& line = lines_[at_];
      const std::string rest(Trimmed(std::string_view(line.text).substr(1)));
      if (rest.empty()) {
        ++at_;
        if (at_ < lines_.size() && lines_[at_].indent > indent) {
          list.push_back(Block(lines_[at_].indent, depth + 1));
        }
        continue;
      }
      // What follows the dash is a block that begins where it stands.
      line.indent = indent + line.text.find(rest, 1);
      line.text = rest;
      list.push_back(Block(line.indent, depth + 1));
    }
    return list;
  }

  std::vector<Line> lines_;
  std::size_t at_ = 0;
};

std::string TextOf(const json& object, const char* key, std::string otherwise) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : std::move(otherwise);
}

json ListOf(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_array() ? *found : json::array();
}

/// "10s", "1m", "500ms"; 0 where it is none.
double SecondsOf(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string_view unit(end);
  return unit == "ms" ? number / 1000 : unit == "s" ? number : unit == "m" ? number * 60 : 0;
}

}  // namespace

Result<std::vector<ScrapeJob>> ReadScrapeConfig(std::string_view text) {
  Reader reader(LinesOf(text));
  const json config = reader.Read();
  const json global = config.is_object() ? config.value("global", json::object()) : json();
  std::vector<ScrapeJob> jobs;
  for (const json& each : ListOf(config, "scrape_configs")) {
    ScrapeJob job;
    job.name = TextOf(each, "job_name", "");
    job.tls = TextOf(each, "scheme", "http") == "https";
    job.path = TextOf(each, "metrics_path", "/metrics");
    const double seconds =
        SecondsOf(TextOf(each, "scrape_timeout", TextOf(global, "scrape_timeout", "10s")));
    job.timeout_seconds = seconds > 0 ? seconds : job.timeout_seconds;
    const json key = each.is_object() ? each.value("authorization", json::object()) : json();
    job.key = TextOf(key, "credentials", TextOf(each, "bearer_token", ""));
    job.key_file = TextOf(key, "credentials_file", TextOf(each, "bearer_token_file", ""));
    for (const json& group : ListOf(each, "static_configs")) {
      for (const json& target : ListOf(group, "targets")) {
        if (target.is_string()) {
          job.targets.push_back(target.get<std::string>());
        }
      }
    }
    jobs.push_back(std::move(job));
  }
  if (jobs.empty()) {
    return InvalidArgument(
        reader.stopped() == 0
            ? std::string("it has no scrape_configs; name Prometheus' configuration file")
            : fmt::format("line {} is not understood, and no scrape_configs stand before it",
                          reader.stopped()));
  }
  return jobs;
}

Result<ScrapeJob> ChooseJob(const std::vector<ScrapeJob>& jobs, std::string_view name,
                            const std::vector<std::string>& ports) {
  const auto take = [&jobs](auto fits) -> const ScrapeJob* {
    const auto found = std::find_if(jobs.begin(), jobs.end(), fits);
    return found == jobs.end() ? nullptr : &*found;
  };
  const ScrapeJob* chosen = nullptr;
  if (!name.empty()) {
    chosen = take([&](const ScrapeJob& job) { return job.name == name; });
  } else {
    chosen = take([&](const ScrapeJob& job) {
      return std::any_of(job.targets.begin(), job.targets.end(), [&](const std::string& target) {
        const std::size_t colon = target.rfind(':');
        return colon != std::string::npos &&
               std::find(ports.begin(), ports.end(), target.substr(colon + 1)) != ports.end();
      });
    });
    if (chosen == nullptr) {
      chosen =
          take([](const ScrapeJob& job) { return job.name.find("vitrine") != std::string::npos; });
    }
    if (chosen == nullptr && jobs.size() == 1) {
      chosen = &jobs.front();
    }
  }
  if (chosen == nullptr) {
    std::string names;
    for (const ScrapeJob& job : jobs) {
      names += (names.empty() ? "" : ", ") + job.name;
    }
    return NotFound(
        fmt::format("which job asks this server? Name it with --job; there are: {}", names));
  }
  return *chosen;
}

}  // namespace vitrine::apps
