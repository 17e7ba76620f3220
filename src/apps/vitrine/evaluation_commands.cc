// vitrine eval run|compare, vitrine model probe: what runs an artifact outside the server.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/row_scorer.h"
#include "adapters/onnxruntime/runtime.h"
#include "apps/vitrine/command_line.h"
#include "evaluate/compare.h"
#include "evaluate/evaluate.h"
#include "evaluate/evaluate_rows.h"
#include "evaluate/gate.h"
#include "evaluate/holdout.h"
#include "evaluate/labelled_file.h"

namespace vitrine::apps {
namespace {

struct EvalFlags {
  std::string artifact;
  std::string holdout;
  std::string part = "test";
  std::string name;
  bool rows = false;
  int threads = 0;
  std::vector<std::string> reports;
  std::string metric;
  double margin = 0.02;
};

/// Ranks a vocabulary for each case.
Result<evaluate::EvalReport> JudgeCases(const EvalFlags& flags, evaluate::EvaluateOptions options,
                                        const Progress& progress) {
  ASSIGN_OR_RETURN(const evaluate::Holdout holdout, evaluate::ReadHoldout(flags.holdout));
  ASSIGN_OR_RETURN(auto runtime, adapters::MakeOnnxRuntime());
  ASSIGN_OR_RETURN(const adapters::LoadedArtifact model,
                   adapters::LoadArtifact(flags.artifact, *runtime));
  options.model = flags.name.empty() ? model.manifest.name : flags.name;
  return evaluate::Evaluate(*model.scorer, holdout, *model.vocabulary, options, progress);
}

/// A probability for each labelled row.
Result<evaluate::EvalReport> JudgeRows(const EvalFlags& flags, evaluate::EvaluateOptions options,
                                       const Progress& progress) {
  ASSIGN_OR_RETURN(const evaluate::LabelledSet rows, evaluate::ReadLabelledRows(flags.holdout));
  ASSIGN_OR_RETURN(auto runtime, adapters::MakeOnnxRuntime());
  ASSIGN_OR_RETURN(const auto scorer, adapters::GraphRowScorer::Load(flags.artifact, *runtime));
  options.model = flags.name.empty() ? scorer->manifest().name : flags.name;
  return evaluate::EvaluateRows(*scorer, rows, scorer->vocabulary(), options, progress);
}

Status RunEvaluation(const EvalFlags& flags, const CommandLine& line) {
  evaluate::EvaluateOptions options;
  options.part = flags.part == "validation" ? evaluate::Part::kValidation : evaluate::Part::kTest;
  options.threads = flags.threads;
  Progress progress;
  progress.stop = StopOnSignals();
  if (line.json) {
    progress.report = [](const ProgressReport& report) { Say(ProgressJsonLine(report, -1)); };
  }
  ASSIGN_OR_RETURN(const evaluate::EvalReport report,
                   evaluate::IsLabelledFile(flags.holdout)
                       ? JudgeRows(flags, std::move(options), progress)
                       : JudgeCases(flags, std::move(options), progress));
  if (line.json) {
    Print(evaluate::ToJson(report, flags.rows));
    return Status::Ok();
  }
  const evaluate::EvalReport* only = &report;
  Print(evaluate::ComparisonTable(
      {&only, 1}, {.metrics = {}, .primary = evaluate::DecidingMetric(report), .bootstrap = {}}));
  return Status::Ok();
}

Result<evaluate::EvalReport> ReadReport(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return NotFound(
        fmt::format("{}: no such report; write one with: vitrine eval run ARTIFACT "
                    "--holdout FILE --rows --json > {}",
                    path, path));
  }
  const std::string text(std::istreambuf_iterator<char>(in), {});
  auto report = evaluate::ParseEvalReport(text);
  if (!report.ok()) {
    return report.status().WithContext(path);
  }
  return report;
}

Status Compare(const EvalFlags& flags, const CommandLine& line) {
  std::vector<evaluate::EvalReport> reports;
  for (const std::string& path : flags.reports) {
    ASSIGN_OR_RETURN(evaluate::EvalReport report, ReadReport(path));
    reports.push_back(std::move(report));
  }
  evaluate::GateRule rule;
  rule.metric = flags.metric.empty() ? evaluate::DecidingMetric(reports[0]) : flags.metric;
  rule.margin = flags.margin;
  const evaluate::GateVerdict verdict = evaluate::Judge(reports[1], &reports[0], nullptr, rule);
  if (line.json) {
    Print(evaluate::ToJson(verdict));
  } else {
    std::vector<const evaluate::EvalReport*> all;
    for (const evaluate::EvalReport& report : reports) {
      all.push_back(&report);
    }
    std::string text = evaluate::ComparisonTable(
        all, {.metrics = {}, .primary = rule.metric, .bootstrap = rule.bootstrap});
    text += fmt::format("\n{} against {}: {}\n", reports[1].model, reports[0].model,
                        verdict.pass ? "passes" : "held");
    for (const std::string& reason : verdict.reasons) {
      text += fmt::format("  - {}\n", reason);
    }
    Print(text);
  }
  return Status::Ok();
}

}  // namespace

void AddEvaluationCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* eval = app.add_subcommand("eval", "Judge models on held-out cases");
  eval->require_subcommand(1);
  CLI::App* run =
      eval->add_subcommand("run", "Judge an artifact on the cases or labelled rows of a holdout");
  run->add_option("artifact", flags->artifact, "Artifact folder")->required();
  run->add_option("--holdout", flags->holdout, "Cases, written by: vitrine-trainer split")
      ->required();
  run->add_option("--part", flags->part, "test or validation")
      ->check(CLI::IsMember({"test", "validation"}))
      ->capture_default_str();
  run->add_option("--name", flags->name, "Name in the report; default: the model's");
  run->add_option("--threads", flags->threads, "0: one per core")->capture_default_str();
  run->add_flag("--rows", flags->rows, "With --json: every case, for paired comparisons");
  run->callback(
      [flags, &line] { line.run = [flags, &line] { return RunEvaluation(*flags, line); }; });

  CLI::App* compare = eval->add_subcommand("compare",
                                           "Compare reports case by case; the first is "
                                           "the champion");
  compare->add_option("reports", flags->reports, "Reports, JSON with rows")
      ->required()
      ->expected(2, 50);
  compare->add_option("--metric", flags->metric,
                      "Metric that decides; default: ndcg@10, of labelled rows log_loss");
  compare->add_option("--margin", flags->margin, "Share of the champion's value it may lose")
      ->capture_default_str();
  compare->callback(
      [flags, &line] { line.run = [flags, &line] { return Compare(*flags, line); }; });
}

}  // namespace vitrine::apps
