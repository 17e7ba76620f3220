// vitrine monitor history.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct HistoryFlags {
  std::string monitor;
  std::string from;
  std::string until;
  std::string step = "hour";
  std::vector<std::string> model;  // an empty name is one: answers that no version ranked
  std::vector<std::string> scene;
  std::string feature;
};

std::string Interval(const json& value) {
  return fmt::format("{:.4f} ({:.4f} to {:.4f})", value.value("mean", 0.0), value.value("low", 0.0),
                     value.value("high", 0.0));
}

/// What was expected before clicks came, and how far off that was.
std::string ExpectedClicks(const json& row) {
  for (const json& estimate : row.value("estimates", json::array())) {
    if (estimate.value("label", "") == "click") {
      const json& ctr = estimate["ctr"];
      return Interval(ctr) + (ctr.contains("error")
                                  ? fmt::format(" {:+.4f}", ctr.value("error", 0.0))
                                  : std::string());
    }
  }
  return "-";
}

std::string QualityLine(const json& row) {
  return fmt::format("{:>9}  {:>9}  {:.4f}  {:<36}  {:<28}  {}", row.value("answers", 0),
                     row.value("mature", 0), row.value("ctr", 0.0), ExpectedClicks(row),
                     Interval(row.value("click_rate", json::object())),
                     Interval(row.value("conversion_rate", json::object())));
}

std::string ServiceLine(const json& row) {
  const auto milliseconds = [&row](const char* key) { return 1e3 * row.value(key, 0.0); };
  return fmt::format("{:>9}  {:>9}  {:>8.2f}  {:>8.2f}  {:>8.2f}", row.value("answers", 0),
                     row.value("fallbacks", 0), milliseconds("p50_seconds"),
                     milliseconds("p95_seconds"), milliseconds("p99_seconds"));
}

/// The features that lay furthest away, or the one that was asked for.
std::string DriftLine(const json& row) {
  std::vector<json> features = row.at("features");
  const auto largest = [](const json& feature) {  // of a day; an hour has its effect alone
    return feature.value("largest_effect", feature.value("effect", -1.0));
  };
  std::sort(features.begin(), features.end(),
            [&](const json& a, const json& b) { return largest(a) > largest(b); });
  constexpr std::size_t kShown = 3;
  features.resize(std::min(features.size(), kShown));
  std::string line = fmt::format("{:>9}", row.value("requests", 0));
  for (const json& feature : features) {
    const std::string name = feature.value("feature", "");
    line += feature.value("judged", false) ? fmt::format("  {} {:.3f}", name, largest(feature))
                                           : fmt::format("  {} (too few)", name);
  }
  return line;
}

std::string Line(const std::string& monitor, const json& row) {
  return monitor == "quality" ? QualityLine(row)
         : monitor == "drift" ? DriftLine(row)
                              : ServiceLine(row);
}

std::string Head(const std::string& monitor) {
  return monitor == "quality"
             ? "  answers     mature  CTR     expected before clicks came, error    answers with a "
               "click (95 %)   answers with a purchase"
         : monitor == "drift" ? " requests  features that moved most, PSI above chance"
                              : "  answers  fallbacks  p50 (ms)  p95 (ms)  p99 (ms)";
}

std::string Target(const HistoryFlags& flags) {
  std::string target = fmt::format("/v1/monitors/{}/history?step={}", flags.monitor, flags.step);
  const auto add = [&target](const char* name, const std::string& value) {
    target += fmt::format("&{}={}", name, http::PercentEncode(value));
  };
  if (!flags.from.empty()) {
    add("from", flags.from);
  }
  if (!flags.until.empty()) {
    add("until", flags.until);
  }
  if (!flags.model.empty()) {
    add("model", flags.model.front());
  }
  if (!flags.scene.empty()) {
    add("scene", flags.scene.front());
  }
  if (!flags.feature.empty()) {
    add("feature", flags.feature);
  }
  return target;
}

Status ShowHistory(const CommandLine& line, const HistoryFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Get(Target(flags)));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  const json history = json::parse(text);
  const json& points = history.at("points");
  if (points.empty()) {
    Print("no answers in this time; ask for another with --from, or for some: vitrine simulate");
    return Status::Ok();
  }
  std::string out = fmt::format("{:<20}  {:<18} {:<10} {}\n", flags.step == "day" ? "day" : "hour",
                                "version", "scene", Head(flags.monitor));
  for (const json& point : points) {
    for (const json& row : point.at("rows")) {
      const std::string model = row.value("model", "");
      out += fmt::format("{:<20}  {:<18} {:<10} {}{}\n", point.value("from", ""),
                         model.empty() ? "(none)" : model, row.value("scene", ""),
                         Line(flags.monitor, row),
                         point.value("final", true) ? "" : "  still counted");
    }
  }
  Print(out);
  return Status::Ok();
}

/// "0.99 in 100 ms, scene home", "0.999 do not fail".
std::string PromiseOf(const json& objective) {
  const double target = objective.value("target", 0.0);
  if (objective.at("seconds").is_null()) {
    return fmt::format("{} do not fail", target);
  }
  const std::string scene = objective.value("scene", "");
  return fmt::format("{} in {:.0f} ms{}", target, 1e3 * objective.value("seconds", 0.0),
                     scene.empty() ? "" : ", scene " + scene);
}

Status ShowObjectives(const CommandLine& line) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Get("/v1/monitors/objectives"));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  std::string out =
      fmt::format("{:<16}  {:<28}  {:>9}  burn rate: 5m     30m      1h      6h      3d\n",
                  "objective", "promise", "spent");
  const json report = json::parse(text);
  for (const json& objective : report.at("objectives")) {
    out += fmt::format("{:<16}  {:<28}  {:>7.1f} %            ", objective.value("objective", ""),
                       PromiseOf(objective), 100 * objective.value("spent", 0.0));
    for (const json& window : objective.at("windows")) {
      out += window.value("all", 0) == 0 ? fmt::format("{:<8}", "-")
                                         : fmt::format("{:<8.2f}", window.value("burn_rate", 0.0));
    }
    out += '\n';
  }
  Print(out + "spent: of the error budget of three days; burn rate 1 spends just all of it\n");
  return Status::Ok();
}

}  // namespace

void AddMonitorCommands(CLI::App& app, CommandLine& line) {
  auto* monitor = app.add_subcommand("monitor", "What the monitors saw");
  monitor->require_subcommand(1);
  monitor
      ->add_subcommand("objectives",
                       "What the service promises itself, and how fast its error budget is spent")
      ->callback([&line] { line.run = [&line] { return ShowObjectives(line); }; });
  auto flags = std::make_shared<HistoryFlags>();
  auto* history =
      monitor->add_subcommand("history", "Hour by hour or day by day, by version and scene");
  history->add_option("MONITOR", flags->monitor, "service, quality or drift")
      ->required()
      ->check(CLI::IsMember({"service", "quality", "drift"}));
  history->add_option("--from", flags->from,
                      "First hour, as a time; default: a day before --until, a week of days");
  history->add_option("--until", flags->until, "Where it ends; default: now");
  history->add_option("--step", flags->step, "hour or day")
      ->check(CLI::IsMember({"hour", "day"}))
      ->capture_default_str();
  history->add_option("--model", flags->model, "Only this version, for example sasrec:3")
      ->expected(1);
  history->add_option("--scene", flags->scene, "Only this scene")->expected(1);
  history->add_option("--feature", flags->feature, "Of drift: only this feature, or scores");
  history->callback(
      [&line, flags] { line.run = [&line, flags] { return ShowHistory(line, *flags); }; });
}

}  // namespace vitrine::apps
