#include "loop/retrain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "evaluate/compare.h"
#include "evaluate/labelled_metrics.h"
#include "graph/artifact_files.h"
#include "loop/training_step.h"

namespace vitrine::loop {
namespace {

using nlohmann::json;

Result<json> ParseResult(std::string_view step, const std::string& text) {
  json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) {
    return Internal(fmt::format("{}: its result is not a JSON object", step));
  }
  return parsed;
}

Result<std::string> TextField(std::string_view step, const json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_string()) {
    return Internal(fmt::format("{}: its result has no text '{}'", step, name));
  }
  return it->get<std::string>();
}

/// The alias of scenes' rankers, where nobody says another.
constexpr std::string_view kRanker = "ranker";

class Turn {
 public:
  Turn(const RetrainRequest& request, const Programs& programs, registry::Registry& registry,
       Steps& steps)
      : request_(request), programs_(programs), registry_(registry), steps_(steps) {}

  Result<RetrainOutcome> Run() {
    RETURN_IF_ERROR(MakeSnapshot());
    RETURN_IF_ERROR(Split());
    RETURN_IF_ERROR(MakeCandidates());
    RETURN_IF_ERROR(ChooseAlias());
    RETURN_IF_ERROR(EvaluateChampion());
    RETURN_IF_ERROR(Register());
    RETURN_IF_ERROR(Decide());
    return std::move(outcome_);
  }

 private:
  Status MakeSnapshot() {
    const std::vector<std::string> common = {"--data", request_.data_dir, "--json",
                                             "--memory-limit",
                                             std::to_string(request_.lake_memory_mb)};
    if (request_.read_log) {
      ChildCommand log{.program = programs_.lake, .arguments = {"log"}};
      log.arguments.insert(log.arguments.end(), common.begin(), common.end());
      ASSIGN_OR_RETURN(const std::string text, steps_.Run("log", log));
      ASSIGN_OR_RETURN(const json result, ParseResult("log", text));
      outcome_.log_taken = result.value("watermark", std::uint64_t{0});
      if (request_.log_taken) {
        RETURN_IF_ERROR(request_.log_taken(*outcome_.log_taken));
      }
    }
    ChildCommand clean{.program = programs_.lake, .arguments = {"clean"}};
    clean.arguments.insert(clean.arguments.end(), common.begin(), common.end());
    if (!request_.mapping.empty()) {
      clean.arguments.insert(clean.arguments.end(), {"--mapping", request_.mapping});
    }
    ASSIGN_OR_RETURN(const std::string text, steps_.Run("clean", clean));
    ASSIGN_OR_RETURN(const json result, ParseResult("clean", text));
    ASSIGN_OR_RETURN(outcome_.snapshot, TextField("clean", result, "snapshot"));
    ASSIGN_OR_RETURN(outcome_.snapshot_dir, TextField("clean", result, "dir"));
    return Status::Ok();
  }

  Status Split() {
    outcome_.holdout = steps_.PathOf("holdout.jsonl");
    return steps_
        .Run("split",
             TrainerCommand(programs_, {"split", "--snapshot", outcome_.snapshot_dir, "--protocol",
                                        request_.protocol, "--out", outcome_.holdout, "--json"}))
        .status();
  }

  [[nodiscard]] ChildCommand Training(const std::string& spec, const std::string& folder,
                                      const std::vector<std::string>& more) const {
    ChildCommand train =
        TrainerCommand(programs_, {"train", "--snapshot", outcome_.snapshot_dir, "--spec", spec,
                                   "--protocol", request_.protocol, "--out", folder, "--json"});
    if (request_.train_memory_mb > 0) {
      train.arguments.insert(train.arguments.end(),
                             {"--memory-limit", std::to_string(request_.train_memory_mb)});
    }
    train.arguments.insert(train.arguments.end(), more.begin(), more.end());
    return train;
  }

  /// One model that cannot be had does not keep the shop from the others.
  Status MakeCandidates() {
    for (const std::string& spec : request_.specs) {
      Status made = MakeCandidate(spec);
      if (made.code() == Code::kCancelled || made.code() == Code::kNotFound) {
        return made;
      }
      if (!made.ok()) {
        outcome_.failed.push_back({spec, std::move(made)});
      }
    }
    return outcome_.candidates.empty() && !outcome_.failed.empty() ? outcome_.failed.front().reason
                                                                   : Status::Ok();
  }

  Status MakeCandidate(const std::string& spec) {
    const std::string name = StepName(spec);
    Candidate candidate{.spec = spec, .folder = steps_.PathOf(name)};
    ASSIGN_OR_RETURN(candidate.warm_start, Train(spec, candidate.folder));
    RETURN_IF_ERROR(Probe(name, candidate.folder));
    ASSIGN_OR_RETURN(candidate.report, Evaluate(name, candidate.folder));
    outcome_.candidates.push_back(std::move(candidate));
    return Status::Ok();
  }

  /// The folder that the fit started from; empty: from nothing.
  Result<std::string> Train(const std::string& spec, const std::string& folder) {
    const std::string name = "train-" + StepName(spec);
    ASSIGN_OR_RETURN(const std::string earlier, EarlierVersion(spec));
    Result<std::string> text =
        RunTraining(steps_, name, Training(spec, folder, WarmFlags(earlier)), folder);
    if (!earlier.empty() && text.status().code() == Code::kInvalidArgument) {
      steps_.progress().report({.stage = name, .detail = text.status().message()});
      text = RunTraining(steps_, name, Training(spec, folder, {}), folder);
    }
    RETURN_IF_ERROR(text.status());
    ASSIGN_OR_RETURN(const json result, ParseResult(name, *text));
    return result.contains("warm_start") ? earlier : std::string();
  }

  static std::vector<std::string> WarmFlags(const std::string& earlier) {
    return earlier.empty() ? std::vector<std::string>()
                           : std::vector<std::string>{"--warm-start", earlier};
  }

  /// Artifact of the champion or, where that is a refit on everything, of the version that was evaluated; empty
  /// where there is none of the spec's name.
  Result<std::string> EarlierVersion(const std::string& spec) {
    const Result<registry::ModelVersion> champion = registry_.Find(registry::kChampion);
    if (!request_.warm_start || champion.status().code() == Code::kNotFound) {
      return std::string();
    }
    RETURN_IF_ERROR(champion.status());
    if (champion->ref.name != StepName(spec)) {
      return std::string();
    }
    if (champion->parent.empty()) {
      return registry_.ArtifactPath(*champion);
    }
    ASSIGN_OR_RETURN(const registry::ModelVersion evaluated, registry_.Find(champion->parent));
    return registry_.ArtifactPath(evaluated);
  }

  Status Probe(const std::string& name, const std::string& folder) {
    const ChildCommand probe{.program = programs_.vitrine,
                             .arguments = {"model", "probe", folder, "--json"},
                             .memory_limit_bytes = request_.probe_memory_mb << 20,
                             .timeout = std::chrono::seconds(request_.probe_seconds)};
    ASSIGN_OR_RETURN(probes_[folder], steps_.Run("probe-" + name, probe));
    return Status::Ok();
  }

  Result<evaluate::EvalReport> Evaluate(const std::string& name, const std::string& folder) {
    const ChildCommand evaluate{
        .program = programs_.vitrine,
        .arguments = {"eval", "run", folder, "--holdout", outcome_.holdout, "--rows", "--json"}};
    ASSIGN_OR_RETURN(const std::string text, steps_.Run("eval-" + name, evaluate));
    return evaluate::ParseEvalReport(text);
  }

  /// Rows with labels make rankers, which scenes do not retrieve with.
  Status ChooseAlias() {
    if (outcome_.candidates.empty()) {
      return InvalidArgument("nothing to train: name at least one spec (train.specs)");
    }
    const evaluate::EvalReport& report = outcome_.candidates.front().report;
    outcome_.metric = request_.gate.metric;
    if (report.Find("all", outcome_.metric) == nullptr) {
      outcome_.metric = evaluate::DecidingMetric(report);
    }
    const bool rows = !report.labelled.empty();
    outcome_.alias = request_.alias;
    if (outcome_.alias.empty()) {
      outcome_.alias = rows ? kRanker : registry::kChampion;
    }
    if (rows && outcome_.alias == registry::kChampion) {
      return InvalidArgument(
          fmt::format("protocol '{}' makes rankers, and 'champion' is what scenes retrieve with; "
                      "leave the alias out or name another (--alias {})",
                      request_.protocol, kRanker));
    }
    return Status::Ok();
  }

  /// Empty: there is none.
  [[nodiscard]] Result<std::string> NameOfChampion() const {
    const Result<registry::ModelVersion> now = registry_.Find(outcome_.alias);
    if (now.status().code() == Code::kNotFound) {
      return std::string();
    }
    RETURN_IF_ERROR(now.status());
    return now->ref.ToString();
  }

  /// The alias's version answers the same cases, so that the comparison is paired.
  Status EvaluateChampion() {
    // Remembered: a turn that is started again after its winner got the alias would judge it against itself.
    ASSIGN_OR_RETURN(const std::string before,
                     steps_.Once("champion", [this] { return NameOfChampion(); }));
    if (before.empty()) {
      return Status::Ok();
    }
    ASSIGN_OR_RETURN(const registry::ModelVersion champion, registry_.Find(before));
    outcome_.champion_before = champion.ref;
    ASSIGN_OR_RETURN(const std::string folder, registry_.ArtifactPath(champion));
    ASSIGN_OR_RETURN(
        outcome_.champion_report,
        Evaluate(fmt::format("champion-{}-{}", champion.ref.name, champion.ref.number), folder));
    return Status::Ok();
  }

  Status Register() {
    for (Candidate& candidate : outcome_.candidates) {
      ASSIGN_OR_RETURN(candidate.ref,
                       RegisterFolder(candidate.folder, evaluate::ToJson(candidate.report, false)));
    }
    return Status::Ok();
  }

  Result<registry::VersionRef> RegisterFolder(const std::string& folder, std::string report) {
    ASSIGN_OR_RETURN(const graph::Artifact artifact, graph::OpenArtifact(folder));
    const Result<registry::ModelVersion> made = registry_.Register(
        folder, artifact.manifest, std::move(report), probes_[folder], request_.cause);
    if (made.ok()) {
      return made->ref;
    }
    if (made.status().code() != Code::kAlreadyExists) {
      return made.status();
    }
    // A turn that was interrupted after this point, or a fit that gave the very same bytes.
    return VersionOf(artifact);
  }

  Result<registry::VersionRef> VersionOf(const graph::Artifact& artifact) {
    std::string cursor;
    for (;;) {
      ASSIGN_OR_RETURN(const auto page, registry_.List(artifact.manifest.name, cursor, 100));
      for (const registry::ModelVersion& version : page) {
        if (version.artifact == artifact.hash) {
          return version.ref;
        }
      }
      if (page.empty()) {
        return NotFound(fmt::format("artifact {} has no version", artifact.hash));
      }
      cursor = page.back().ref.ToString();
    }
  }

  /// The mean that decides, higher for better.
  [[nodiscard]] Result<double> Merit(const Candidate& candidate) const {
    const MetricValue* value = candidate.report.Find("all", outcome_.metric);
    if (value == nullptr) {
      return InvalidArgument(
          fmt::format("the evaluation has no metric '{}'; set train.metric", outcome_.metric));
    }
    return evaluate::LowerIsBetter(outcome_.metric) ? -value->mean : value->mean;
  }

  Status Decide() {
    const evaluate::EvalReport* floor = nullptr;
    std::optional<double> best;
    for (std::size_t i = 0; i < outcome_.candidates.size(); ++i) {
      const Candidate& candidate = outcome_.candidates[i];
      ASSIGN_OR_RETURN(const double merit, Merit(candidate));
      if (candidate.spec == "popularity") {
        floor = &candidate.report;
      }
      if (!best || merit > *best) {
        best = merit;
        outcome_.best = i;
      }
    }
    const Candidate& candidate = outcome_.candidates[outcome_.best];
    evaluate::GateRule rule = request_.gate;
    rule.metric = outcome_.metric;
    const evaluate::EvalReport* champion =
        outcome_.champion_report ? &*outcome_.champion_report : nullptr;
    outcome_.verdict = evaluate::Judge(candidate.report, champion,
                                       floor == &candidate.report ? nullptr : floor, rule);
    if (!outcome_.verdict.pass || !request_.promote) {
      return Status::Ok();
    }
    registry::VersionRef winner = candidate.ref;
    if (request_.refit) {
      ASSIGN_OR_RETURN(winner, Refit(candidate));
    }
    return Deploy(winner);
  }

  Status Deploy(const registry::VersionRef& winner) {
    registry::Cause cause = request_.cause;
    cause.evidence = evaluate::ToJson(outcome_.verdict);
    if (request_.roll_out_by) {
      ASSIGN_OR_RETURN(outcome_.hand_over,
                       request_.roll_out_by(outcome_.alias, winner, EvidenceFor(winner)));
      if (!outcome_.hand_over.direct) {
        outcome_.handed_over = winner;
        return Status::Ok();
      }
    }
    const Result<registry::ModelVersion> now = registry_.Find(outcome_.alias);
    if (!now.ok() || now->ref != winner) {  // else the turn was interrupted right behind it
      RETURN_IF_ERROR(request_.promote_by ? request_.promote_by(outcome_.alias, winner, cause)
                                          : registry_.SetAlias(outcome_.alias, winner, cause));
    }
    outcome_.promoted = winner;
    return Status::Ok();
  }

  /// What a rollout's first audit entry rests on.
  registry::Cause EvidenceFor(const registry::VersionRef& winner) {
    const Candidate& judged = outcome_.candidates[outcome_.best];
    json figures = json::object();
    for (const auto& [name, value] : evaluate::ManifestMetrics(judged.report)) {
      figures[name] = {{"mean", value.mean}, {"low", value.low}, {"high", value.high}};
    }
    const json evidence = {
        {"reason",
         fmt::format("{} passed the gate{}{}", winner.ToString(),
                     request_.reason.empty() ? "" : "; why it was trained: ", request_.reason)},
        {"judged", judged.ref.ToString()},
        {"snapshot", outcome_.snapshot},
        {"metric", outcome_.metric},
        {"figures", std::move(figures)},
        {"verdict", json::parse(evaluate::ToJson(outcome_.verdict))}};
    return {request_.cause.actor, evidence.dump(-1, ' ', false, json::error_handler_t::replace)};
  }

  /// The same spec on everything, with the choices (epochs) that the evaluated fit made.
  Result<registry::VersionRef> Refit(const Candidate& candidate) {
    const std::string name = StepName(candidate.spec) + "-refit";
    const std::string folder = steps_.PathOf(name);
    std::vector<std::string> flags = {"--refit", "--like", candidate.folder, "--parent",
                                      candidate.ref.ToString()};
    const std::vector<std::string> warm = WarmFlags(candidate.warm_start);
    flags.insert(flags.end(), warm.begin(), warm.end());
    RETURN_IF_ERROR(
        RunTraining(steps_, "train-" + name, Training(candidate.spec, folder, flags), folder)
            .status());
    RETURN_IF_ERROR(Probe(name, folder));
    return RegisterFolder(folder, "");
  }

  const RetrainRequest& request_;
  const Programs& programs_;
  registry::Registry& registry_;
  Steps& steps_;
  RetrainOutcome outcome_;
  std::map<std::string, std::string> probes_;  // folder -> report
};

}  // namespace

Result<RetrainOutcome> Retrain(const RetrainRequest& request, const Programs& programs,
                               registry::Registry& registry, Steps& steps) {
  return Turn(request, programs, registry, steps).Run();
}

}  // namespace vitrine::loop
