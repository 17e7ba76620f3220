#include "train/ranker_trainer.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/sha256.h"
#include "evaluate/evaluate_rows.h"
#include "train/calibration.h"
#include "train/partial_run.h"
#include "train/ranker_package.h"
#include "train/shown_rows.h"

namespace vitrine::train {
namespace {
using evaluate::FitFor;

/// What stays the same over the fits of one request.
struct Run {
  const TrainRequest& request;
  const RankerFactory& factory;
  const RankerMaterial& material;
  const Progress& progress;
  Parameters parameters;
};

struct Fitted {
  std::unique_ptr<TrainableRanker> ranker;
  RankerSet set;
  FitOutcome outcome;
};

void Report(const Progress& progress, std::string stage, std::string detail) {
  progress.report(
      {.stage = std::move(stage), .done = 0, .total = 0, .unit = "", .detail = std::move(detail)});
}

std::string_view FittedOn(FitFor purpose, const evaluate::Protocol& protocol) {
  if (purpose == FitFor::kRefit) {
    return "everything";
  }
  return purpose == FitFor::kTest && protocol.fit_validation_for_test ? "training+validation"
                                                                      : "training";
}

Status CheckSpec(const TrainSpec& spec) {
  RETURN_IF_ERROR(CheckTrainSpec(spec));
  if (!spec.events.empty() || !spec.members.empty() || spec.validation_cases > 0 ||
      !spec.weights.plain()) {
    return InvalidArgument(
        fmt::format("train spec '{}': events, weights, member and validation_cases are of models "
                    "that order a vocabulary; a ranker's rows are the protocol's",
                    spec.model_name()));
  }
  return Status::Ok();
}

/// Two requests of one fingerprint fit the same model from the same rows.
std::string FingerprintOf(const Run& run) {
  const evaluate::Protocol& p = run.material.protocol;
  Sha256 rows;
  for (const evaluate::LabelledRow& row : run.material.set.rows) {
    rows.Update(fmt::format("{}{}{}|", static_cast<int>(row.part), row.label, row.ts.value));
  }
  for (const float weight : run.material.weights) {
    rows.Update(fmt::format("{}|", weight));
  }
  return Sha256Hex(fmt::format("{}\n{}\n{} {} {} {}\n{}\n{}\n{}", run.request.code_version,
                               run.material.set.snapshot, p.name, p.fit_validation_for_test,
                               p.whole_catalogue, evaluate::PopularityUnitName(p.popularity),
                               rows.Finish(), run.request.refit,
                               TrainSpecToJson(run.request.spec, run.parameters,
                                               run.request.chosen.value_or(Chosen()), "")));
}

Result<Fitted> FitOn(const Run& run, FitFor purpose, Chosen chosen, PartialRun& partial,
                     std::string_view name) {
  Fitted fitted;
  ASSIGN_OR_RETURN(fitted.ranker, run.factory.create(run.parameters));
  ASSIGN_OR_RETURN(fitted.set, MakeRankerSet(run.material, run.request.spec, purpose));
  Report(run.progress, "fit",
         fmt::format("{} on {}: {} rows, {} features", run.request.spec.model_name(),
                     FittedOn(purpose, run.material.protocol), fitted.set.rows.rows(),
                     fitted.set.rows.columns.size()));
  RankerContext context{.seed = run.request.spec.seed,
                        .chosen = std::move(chosen),
                        .checkpoint = partial.CheckpointOf(name),
                        .fingerprint = {},
                        .progress = run.progress};
  context.fingerprint =
      Sha256Hex(fmt::format("{}\n{}\n{}", name, partial.fingerprint(), fitted.set.features.Hash()));
  ASSIGN_OR_RETURN(
      fitted.outcome,
      fitted.ranker->Fit(fitted.set.rows, fitted.set.watched ? &*fitted.set.watched : nullptr,
                         context));
  return fitted;
}

/// Calibrates on the watched rows and measures there.
Status Calibrate(const Run& run, Fitted& fitted, RankerResult& result) {
  if (!fitted.set.watched) {
    return Status::Ok();
  }
  const LabelledRows& watched = *fitted.set.watched;
  std::vector<float> raw;
  RETURN_IF_ERROR(fitted.ranker->Score(watched.features, raw));
  const Calibration calibration = FitCalibration(raw, watched.labels);
  Remember(calibration, fitted.outcome.chosen);
  std::vector<double> probabilities;
  for (const float p : raw) {
    probabilities.push_back(calibration.Of(double{p}));
  }
  evaluate::EvaluateOptions options;
  options.part = evaluate::Part::kValidation;
  options.bootstrap.seed = run.request.spec.seed;
  const evaluate::EvalReport report =
      evaluate::ReportOfRows(run.material.set, probabilities, options);
  result.validation = report.slices.front().metrics;
  Report(run.progress, "validated",
         fmt::format("AUC {:.4f}, log-loss {:.4f} over {} rows", result.validation["auc"].mean,
                     result.validation["log_loss"].mean, watched.rows()));
  return Status::Ok();
}

/// Fits on the training part, calibrates and measures on the validation part.
Result<Fitted> Select(const Run& run, PartialRun& partial, RankerResult& result) {
  ASSIGN_OR_RETURN(Fitted fitted, FitOn(run, FitFor::kValidation, {}, partial, "select"));
  RETURN_IF_ERROR(Calibrate(run, fitted, result));
  const auto loss = result.validation.find("log_loss");
  RETURN_IF_ERROR(partial.SaveSelection(
      {fitted.outcome, loss == result.validation.end() ? MetricValue{} : loss->second}));
  return fitted;
}

/// The ranker that is shipped.
Result<Fitted> FitAll(const Run& run, PartialRun& partial, RankerResult& result) {
  const FitFor purpose = run.request.refit ? FitFor::kRefit : FitFor::kTest;
  result.fitted_on = FittedOn(purpose, run.material.protocol);
  const bool once = result.fitted_on == "training";
  const std::optional<Selection>& earlier = partial.selection();
  Chosen chosen;
  if (run.request.chosen && !once) {
    chosen = *run.request.chosen;
  } else if (earlier.has_value() && !once) {
    chosen = earlier->outcome.chosen;
    if (run.material.set.CountOf(evaluate::Part::kValidation) > 0) {
      result.validation["log_loss"] = earlier->validation;
    }
  } else {
    ASSIGN_OR_RETURN(Fitted selected, Select(run, partial, result));
    if (once) {
      return selected;
    }
    chosen = selected.outcome.chosen;
  }
  const Calibration kept = Remembered(chosen);
  ASSIGN_OR_RETURN(Fitted fitted, FitOn(run, purpose, std::move(chosen), partial, "final"));
  Remember(kept, fitted.outcome.chosen);
  return fitted;
}

Result<RankerResult> Finish(const Run& run, const Fitted& fitted, RankerResult result) {
  Report(run.progress, "package", "golden set, references, graph");
  result.chosen = fitted.outcome.chosen;
  result.notes = fitted.outcome.notes;
  result.shown = run.material.shown;
  const Calibration calibration = Remembered(result.chosen);
  const RankerPackage package{.ranker = *fitted.ranker,
                              .calibration = calibration,
                              .set = fitted.set,
                              .material = run.material,
                              .spec = run.request.spec,
                              .train_spec_json = TrainSpecToJson(run.request.spec, run.parameters,
                                                                 result.chosen, result.fitted_on),
                              .validation = result.validation,
                              .parent = run.request.parent,
                              .code_version = run.request.code_version};
  ASSIGN_OR_RETURN(const graph::Artifact artifact, WriteRankerPackage(package, run.request.out));
  result.dir = artifact.dir;
  result.hash = artifact.hash;
  result.model = run.request.spec.model_name();
  result.kind = ModelKindName(artifact.manifest.kind);
  result.rows = fitted.set.rows.rows();
  result.users = fitted.set.users;
  result.items = fitted.set.vocabulary.ids().size();
  result.validation_rows = run.material.set.CountOf(evaluate::Part::kValidation);
  return result;
}
}  // namespace

Result<RankerMaterial> ReadRankerMaterial(const std::string& snapshot_dir,
                                          const evaluate::Protocol& protocol,
                                          data::SnapshotReader& reader, const Progress& progress) {
  RankerMaterial material;
  material.protocol = protocol;
  ASSIGN_OR_RETURN(material.interactions,
                   reader.ReadInteractions(snapshot_dir, protocol.events, progress));
  ASSIGN_OR_RETURN(material.items, reader.ReadItems(snapshot_dir, material.interactions));
  ASSIGN_OR_RETURN(const data::UserTable users,
                   reader.ReadUsers(snapshot_dir, material.interactions));
  if (progress.cancelled()) {
    return Cancelled("cancelled while reading the snapshot");
  }
  ASSIGN_OR_RETURN(material.set, evaluate::MakeLabelledSet(material.interactions, material.items,
                                                           users, protocol));
  return material;
}

Result<RankerResult> TrainRanker(const TrainRequest& request, const RankerFactory& factory,
                                 const RankerMaterial& material, const Progress& progress) {
  RETURN_IF_ERROR(CheckSpec(request.spec));
  RETURN_IF_ERROR(CheckNothingStands(request.out));
  ASSIGN_OR_RETURN(Parameters parameters,
                   Parameters::Resolve(factory.parameters, request.spec.parameters));
  const Run run{request, factory, material, progress, std::move(parameters)};
  ASSIGN_OR_RETURN(PartialRun partial, PartialRun::Open(request.out, FingerprintOf(run)));
  RankerResult result;
  result.resumed = partial.resumed();
  ASSIGN_OR_RETURN(const Fitted fitted, FitAll(run, partial, result));
  if (progress.cancelled()) {
    return Cancelled("cancelled before the artifact was written");
  }
  ASSIGN_OR_RETURN(result, Finish(run, fitted, std::move(result)));
  partial.Remove();
  return result;
}

std::string RankerResultToJson(const RankerResult& result) {
  nlohmann::ordered_json json = {{"artifact", result.dir},
                                 {"hash", result.hash},
                                 {"model", result.model},
                                 {"kind", result.kind},
                                 {"fitted_on", result.fitted_on},
                                 {"rows", result.rows},
                                 {"users", result.users},
                                 {"items", result.items},
                                 {"validation_rows", result.validation_rows}};
  for (const auto& [name, value] : result.validation) {
    json["validation"][name] = {{"mean", value.mean}, {"low", value.low}, {"high", value.high}};
  }
  if (result.shown.has_value()) {
    json["shown"] = nlohmann::ordered_json::parse(ShownSummaryToJson(*result.shown));
  }
  json["chosen"] = nlohmann::ordered_json(result.chosen);
  json["notes"] = nlohmann::ordered_json(result.notes);
  json["resumed"] = result.resumed;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace vitrine::train
