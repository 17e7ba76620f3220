// vitrine explain, model explain, eval explain.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/runtime.h"
#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/job_following.h"
#include "core/progress.h"
#include "evaluate/holdout.h"
#include "explain/global_attributions.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct ExplainFlags {
  std::string request;
  std::string language = "en";
  std::string why_not;
  std::size_t removed = 0;
  std::string version;
  std::string against;
  bool anew = false;
  std::string artifact;
  std::string holdout;
  std::string name;
  std::size_t cases = 200;
};

std::string ReasonsText(const json& item) {
  std::string out;
  for (const json& reason : item.value("reasons", json::array())) {
    out += fmt::format("    {:+.4f}  {}\n", reason.value("contribution", 0.0),
                       reason.value("text", ""));
  }
  return out;
}

std::string AbsenceText(const json& absence) {
  std::string out = fmt::format("{:<24}", absence.value("item_id", ""));
  if (absence.contains("score")) {
    out += fmt::format(" {:.4f}  place {} by score, {} by the model alone",
                       absence.value("score", 0.0), absence.value("rank", 0),
                       absence.value("model_rank", 0));
  }
  if (absence.contains("gap")) {
    out += fmt::format(", {:.4f} short of the last one shown", absence.value("gap", 0.0));
  }
  out += '\n';
  for (const json& why : absence.value("why", json::array())) {
    out += fmt::format("    {}\n", why.value("text", ""));
  }
  return out + ReasonsText(absence);
}

Status Explain(const CommandLine& line, const ExplainFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  std::string target = fmt::format("/v1/requests/{}?explain=true&language={}",
                                   http::PercentEncode(flags.request), flags.language);
  if (!flags.why_not.empty()) {
    target += "&item=" + http::PercentEncode(flags.why_not);
  }
  if (flags.removed != 0) {
    target += fmt::format("&removed={}", flags.removed);
  }
  ASSIGN_OR_RETURN(const std::string text, session.Get(target));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  const json answer = json::parse(text);
  std::string out;
  for (const json& item : answer.value("items", json::array())) {
    out += fmt::format("{:<24} {:.4f}  {}\n", item.value("item_id", ""), item.value("score", 0.0),
                       item.value("source", ""));
    out += ReasonsText(item);
  }
  for (const auto& [name, title] :
       {std::pair("why_not", "Why not:"), std::pair("removed", "Not shown:")}) {
    const json absences = answer.value(name, json::array());
    out += absences.empty() ? "" : fmt::format("{}\n", title);
    for (const json& absence : absences) {
      out += AbsenceText(absence);
    }
  }
  if (!answer.value("same_answer_now", true)) {
    out +=
        "The answer would be another one now: catalogue, rules or the request's own filters "
        "differ.\n";
  }
  Print(out);
  return Status::Ok();
}

std::string ShareTable(const json& report) {
  std::string out;
  for (const json& segment : report.value("segments", json::array())) {
    if (segment.value("answers", 0) == 0) {
      continue;
    }
    out +=
        fmt::format("{} ({} answers)\n", segment.value("segment", ""), segment.value("answers", 0));
    for (const char* family : {"event", "recency", "item"}) {
      for (const json& row : segment.value(family, json::array())) {
        out += fmt::format("  {:<8} {:<24} {:>6.1f} %  {:.6f}\n", family, row.value("feature", ""),
                           row.value("share", 0.0) * 100, row.value("mean", 0.0));
      }
    }
  }
  return out;
}

/// Has the server work out the report of a version where it has none.
Status MakeSure(ApiSession& session, const CommandLine& line, const ExplainFlags& flags,
                const std::string& version) {
  const std::string model = "/v1/models/" + http::PercentEncode(version);
  RETURN_IF_ERROR(session.Get(model).status());
  const bool there = !flags.anew && session.Get(model + "/explanation").ok();
  if (there) {
    return Status::Ok();
  }
  const json spec = {{"version", version}, {"cases", flags.cases}};
  return RunJob(session, "explain", spec.dump(), line.json, StopOnSignals()).status();
}

Status ExplainModel(const CommandLine& line, const ExplainFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  RETURN_IF_ERROR(MakeSure(session, line, flags, flags.version));
  std::string target =
      fmt::format("/v1/models/{}/explanation?language={}", http::PercentEncode(flags.version),
                  http::PercentEncode(flags.language));
  if (!flags.against.empty()) {
    RETURN_IF_ERROR(MakeSure(session, line, flags, flags.against));
    target += "&against=" + http::PercentEncode(flags.against);
  }
  ASSIGN_OR_RETURN(const std::string text, session.Get(target));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  const json answer = json::parse(text);
  std::string out;
  for (const json& finding : answer.value("findings", json::array())) {
    out += finding.get<std::string>() + "\n";
  }
  Print(out + ShareTable(answer["reference"]));
  return Status::Ok();
}

History HistoryOf(const evaluate::Holdout& holdout, const evaluate::HoldoutCase& one,
                  const data::Vocabulary& vocabulary) {
  History history;
  for (const evaluate::HoldoutEvent& event : one.history) {
    history.push_back({.item = vocabulary.Find(holdout.items.at(event.item)),
                       .ts = event.ts,
                       .type = event.type,
                       .basket = event.basket});
  }
  return history;
}

/// Test cases, evenly over the file, so that the same file gives the same report.
Status ExplainArtifact(const CommandLine& line, const ExplainFlags& flags) {
  if (flags.cases == 0) {
    return InvalidArgument("--cases must be 1 or more");
  }
  ASSIGN_OR_RETURN(const evaluate::Holdout holdout, evaluate::ReadHoldout(flags.holdout));
  ASSIGN_OR_RETURN(auto runtime, adapters::MakeOnnxRuntime());
  ASSIGN_OR_RETURN(const adapters::LoadedArtifact model,
                   adapters::LoadArtifact(flags.artifact, *runtime));
  std::vector<const evaluate::HoldoutCase*> tests;
  for (const evaluate::HoldoutCase& one : holdout.cases) {
    if (one.part == evaluate::Part::kTest) {
      tests.push_back(&one);
    }
  }
  const std::stop_token stop = StopOnSignals();
  const std::size_t count = std::min(flags.cases, tests.size());
  explain::GlobalAttributions attributions;
  for (std::size_t i = 0; i < count; ++i) {
    if (stop.stop_requested()) {
      return Cancelled("explaining was stopped; start it again");
    }
    const evaluate::HoldoutCase& one = *tests[i * tests.size() / count];
    RETURN_IF_ERROR(attributions.Add(*model.scorer, HistoryOf(holdout, one, *model.vocabulary)));
    if (line.json && (i + 1) % 20 == 0) {
      Say(ProgressJsonLine({.stage = "explain",
                            .done = static_cast<double>(i + 1),
                            .total = static_cast<double>(count),
                            .unit = "cases",
                            .detail = {}},
                           -1));
    }
  }
  const std::string name = flags.name.empty() ? model.manifest.name : flags.name;
  const std::string text = ToJson(attributions.Report(name, "holdout", Now(), *model.vocabulary));
  Print(line.json ? text : ShareTable(json::parse(text)));
  return Status::Ok();
}

}  // namespace

void AddExplainCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<ExplainFlags>();
  const auto bind = [flags, &line](CLI::App* verb, auto run) {
    verb->callback(
        [run, flags, &line] { line.run = [run, flags, &line] { return run(line, *flags); }; });
    return verb;
  };
  CLI::App* answer = bind(
      app.add_subcommand("explain", "Why the items of an answer were shown, or were not"), Explain);
  answer->add_option("request", flags->request, "Its request id")->required();
  answer->add_option("--language", flags->language, "en or zh")->capture_default_str();
  answer->add_option("--why-not", flags->why_not, "An item that is not in the answer");
  answer->add_option("--removed", flags->removed,
                     "Name so many items at most that the model alone would have shown");
  CLI::App* model = bind(
      app.get_subcommand("model")->add_subcommand("explain", "What a version's answers rest on"),
      ExplainModel);
  model->add_option("version", flags->version, "NAME:NUMBER or an alias")->required();
  model->add_option("--against", flags->against, "Another version to compare with");
  model->add_option("--language", flags->language, "en or zh")->capture_default_str();
  model->add_option("--cases", flags->cases, "Held-out cases, where the report must be made")
      ->capture_default_str();
  model->add_flag("--anew", flags->anew, "Make the report anew, from the newest cases");
  CLI::App* artifact = bind(app.get_subcommand("eval")->add_subcommand(
                                "explain", "What an artifact's answers to held-out cases rest on"),
                            ExplainArtifact);
  artifact->add_option("artifact", flags->artifact, "Artifact folder")->required();
  artifact->add_option("--holdout", flags->holdout, "Cases, written by: vitrine-trainer split")
      ->required();
  artifact->add_option("--name", flags->name, "Name in the report; default: the model's");
  artifact->add_option("--cases", flags->cases, "Test cases at most")->capture_default_str();
}

}  // namespace vitrine::apps
