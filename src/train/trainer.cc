#include "train/trainer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/sha256.h"
#include "evaluate/split.h"
#include "train/model_scorer.h"
#include "train/package.h"
#include "train/partial_run.h"
#include "train/training_set.h"
#include "train/validation.h"
#include "train/warm_start.h"

namespace vitrine::train {
namespace {
using evaluate::FitFor;

/// What stays the same over the fits of one request.
struct Run {
  const TrainRequest& request;
  const ModelFactory& factory;
  const Progress& progress;
  Parameters parameters;
  Material material;
  std::optional<Predecessor> predecessor;
};

struct Fitted {
  std::unique_ptr<TrainableModel> model;
  TrainingSet set;
  FitOutcome outcome;
  std::optional<TrainResult::Warm> warm;
  double cpu_seconds = 0;
  std::vector<FitCheck> checks;
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

Result<Material> ReadMaterial(const TrainRequest& request, data::SnapshotReader& reader,
                              const Progress& progress) {
  Material material;
  material.protocol = request.protocol;
  ASSIGN_OR_RETURN(const std::set<EventType> events, EventsOf(request.spec, request.protocol));
  ASSIGN_OR_RETURN(material.interactions,
                   reader.ReadInteractions(request.snapshot_dir, events, progress));
  ASSIGN_OR_RETURN(material.items, reader.ReadItems(request.snapshot_dir, material.interactions));
  if (progress.cancelled()) {
    return Cancelled("cancelled while reading the snapshot");
  }
  Report(progress, "split",
         fmt::format("{} rows, {} users, {} items", material.interactions.rows(),
                     material.interactions.users.size(), material.interactions.items.size()));
  ASSIGN_OR_RETURN(material.split,
                   evaluate::MakeSplit(material.interactions, material.items, request.protocol));
  return material;
}

/// Two requests of one fingerprint fit the same model from the same rows.
std::string FingerprintOf(const Run& run, const std::string& protocol) {
  return Sha256Hex(fmt::format("{}\n{}\n{}\n{}\n{}", run.request.code_version,
                               run.material.interactions.snapshot, protocol, run.request.refit,
                               TrainSpecToJson(run.request.spec, run.parameters,
                                               run.request.chosen.value_or(Chosen()), "")));
}

std::size_t CasesToMeasure(const Run& run) {
  return CasesMeasured(run.request.spec.validation_cases,
                       run.material.split.Cases(evaluate::Part::kValidation).size(),
                       run.material.interactions.items.size());
}

Result<Fitted> FitOn(const Run& run, FitFor purpose, FitContext context, PartialRun& partial,
                     std::string_view name, std::optional<Validation>* validation = nullptr) {
  Fitted fitted;
  ASSIGN_OR_RETURN(fitted.model, MakeModel(run.factory, run.parameters, run.request.spec.members));
  std::vector<data::FeatureDef> features =
      FeaturesOf(run.request.spec, run.request.protocol, fitted.model->Features());
  ASSIGN_OR_RETURN(fitted.set,
                   MakeTrainingSet(run.material, run.request.spec, std::move(features), purpose));
  Report(run.progress, "fit",
         fmt::format("{} on {}: {} rows, {} items", run.request.spec.model_name(),
                     FittedOn(purpose, run.request.protocol), fitted.set.rows,
                     fitted.set.vocabulary.ids().size()));
  if (validation != nullptr) {
    validation->emplace(run.material, fitted.set,
                        ValidationOptions{.k = run.request.spec.validation_k,
                                          .cases = CasesToMeasure(run),
                                          .seed = run.request.spec.seed});
    if ((*validation)->cases() > 0) {
      context.validate = [&run, &fitted, validation](const TrainableModel& model) {
        return (*validation)->Ndcg(ModelScorer(model, fitted.set.features), run.progress);
      };
    }
  }
  std::optional<WarmStart> warm;
  if (run.predecessor) {
    warm.emplace(MapItems(*run.predecessor, fitted.set.vocabulary));
    fitted.warm = TrainResult::Warm{run.predecessor->hash, warm->kept, warm->fresh, warm->dropped};
    context.warm = &*warm;
    Report(run.progress, "warm start",
           fmt::format("{}: {} items kept, {} new, {} gone", run.predecessor->dir, warm->kept,
                       warm->fresh, warm->dropped));
  }
  context.seed = run.request.spec.seed;
  context.progress = run.progress;
  context.features = &fitted.set.features;
  context.checkpoint = partial.CheckpointOf(name);
  context.fingerprint = Sha256Hex(fmt::format("{}\n{}\n{}", name, partial.fingerprint(),
                                              Sha256Hex(fitted.set.vocabulary.ToText())));
  FitCourse course;
  if (context.validate) {
    context.validate = course.Watch(std::move(context.validate));
  }
  ASSIGN_OR_RETURN(fitted.outcome, fitted.model->Fit(fitted.set.sequences, context));
  fitted.cpu_seconds = course.Seconds();
  fitted.checks = course.checks();
  return fitted;
}

/// Fits on the training part and measures on the validation part.
Result<Fitted> Select(const Run& run, PartialRun& partial, TrainResult& result) {
  std::optional<Validation> validation;
  ASSIGN_OR_RETURN(Fitted fitted,
                   FitOn(run, FitFor::kValidation, {}, partial, "select", &validation));
  CHECK(validation.has_value());
  Selection selection{fitted.outcome, {}};
  ASSIGN_OR_RETURN(
      selection.validation,
      validation->NdcgInterval(ModelScorer(*fitted.model, fitted.set.features), run.progress));
  RETURN_IF_ERROR(partial.SaveSelection(selection));
  result.validation = selection.validation;
  result.fit_cpu_seconds = fitted.cpu_seconds;
  result.checks = fitted.checks;
  Report(run.progress, "validated",
         fmt::format("NDCG@{} {:.4f} over {} cases", run.request.spec.validation_k,
                     selection.validation.mean, validation->cases()));
  result.notes = fitted.outcome.notes;
  return fitted;
}

/// The model that is shipped.
Result<Fitted> FitAll(const Run& run, PartialRun& partial, TrainResult& result) {
  const FitFor purpose = run.request.refit ? FitFor::kRefit : FitFor::kTest;
  result.fitted_on = FittedOn(purpose, run.request.protocol);
  result.validation_cases = CasesToMeasure(run);
  const bool once = result.fitted_on == "training";
  FitContext context;
  const std::optional<Selection>& earlier = partial.selection();
  if (run.request.chosen && !once) {
    context.chosen = *run.request.chosen;
  } else if (earlier.has_value() && !once) {
    context.chosen = earlier->outcome.chosen;
    result.validation = earlier->validation;
  } else {
    ASSIGN_OR_RETURN(Fitted selected, Select(run, partial, result));
    result.chosen = selected.outcome.chosen;
    if (once) {
      return selected;
    }
    context.chosen = selected.outcome.chosen;
  }
  result.chosen = context.chosen;
  ASSIGN_OR_RETURN(Fitted fitted, FitOn(run, purpose, std::move(context), partial, "final"));
  result.notes = fitted.outcome.notes;
  return fitted;
}

Result<TrainResult> Finish(const Run& run, const Fitted& fitted, TrainResult result) {
  Report(run.progress, "package", "golden set, references, graph");
  const Package package{.model = *fitted.model,
                        .set = fitted.set,
                        .material = run.material,
                        .spec = run.request.spec,
                        .train_spec_json = TrainSpecToJson(run.request.spec, run.parameters,
                                                           result.chosen, result.fitted_on),
                        .validation = result.validation,
                        .parent = run.request.parent,
                        .code_version = run.request.code_version};
  ASSIGN_OR_RETURN(const graph::Artifact artifact, WritePackage(package, run.request.out));
  result.dir = artifact.dir;
  result.hash = artifact.hash;
  result.warm = fitted.warm;
  result.model = run.request.spec.model_name();
  result.rows = fitted.set.rows;
  result.items = fitted.set.vocabulary.ids().size();
  result.users = static_cast<std::uint64_t>(
      std::count_if(fitted.set.sequences.users.begin(), fitted.set.sequences.users.end(),
                    [](const History& h) { return !h.empty(); }));
  result.validation_k = run.request.spec.validation_k;
  return result;
}

/// The version that the spec starts from; none where its model is fitted from nothing anyway.
Result<std::optional<Predecessor>> Warm(const TrainRequest& request, const ModelFactory& factory,
                                        const Parameters& parameters, const Progress& progress) {
  const std::string& dir = request.spec.warm_start;
  if (dir.empty()) {
    return std::optional<Predecessor>();
  }
  ASSIGN_OR_RETURN(const auto model, MakeModel(factory, parameters, request.spec.members));
  if (!model->StartsWarm()) {
    Report(progress, "warm start", request.spec.model_name() + " is fitted from nothing, as ever");
    return std::optional<Predecessor>();
  }
  ASSIGN_OR_RETURN(Predecessor from, ReadPredecessor(dir, request.spec.algorithm));
  return std::optional(std::move(from));
}

std::string ProtocolFingerprint(const evaluate::Protocol& p) {
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {} {}", p.name, evaluate::ProtocolKindName(p.kind),
                  evaluate::HistoryRuleName(p.history), p.minimum_length, p.minimum_baskets,
                  p.distinct_in_basket, p.test_days, p.validation_days, p.fit_validation_for_test,
                  p.whole_catalogue, evaluate::PopularityUnitName(p.popularity));
  for (const EventType type : p.events) {
    text += fmt::format(" read:{}", EventName(type));
  }
  for (const EventType type : p.target_events) {
    text += fmt::format(" target:{}", EventName(type));
  }
  return text;
}

/// Errors: kInvalidArgument: the spec weighs examples, and its algorithm cannot, or ages them by itself.
Status CheckWeighing(const TrainSpec& spec, const ModelFactory& factory,
                     const Parameters& parameters) {
  if (spec.weights.plain()) {
    return Status::Ok();
  }
  if (!factory.weighs_examples) {
    return InvalidArgument(fmt::format(
        "algorithm '{}' cannot weigh its examples; take [weights] and half_life_days out of the "
        "train spec, or choose one that can: `vitrine-trainer models` says which",
        factory.algorithm));
  }
  const auto own = parameters.values().find("half_life_days");
  if (spec.weights.half_life_days > 0 && own != parameters.values().end() &&
      std::get<double>(own->second) > 0) {
    return InvalidArgument(
        "half_life_days is set for the examples and among the parameters; an event would age "
        "twice: keep one of them");
  }
  return Status::Ok();
}
}  // namespace

Result<TrainResult> Train(const TrainRequest& given, const ModelFactory& factory,
                          data::SnapshotReader& reader, const Progress& progress) {
  TrainRequest request = given;
  RETURN_IF_ERROR(CheckTrainSpec(request.spec));
  RETURN_IF_ERROR(CheckNothingStands(request.out));
  ASSIGN_OR_RETURN(Parameters parameters,
                   Parameters::Resolve(factory.parameters, request.spec.parameters));
  RETURN_IF_ERROR(CheckWeighing(request.spec, factory, parameters));
  ASSIGN_OR_RETURN(request.spec.members, CompleteMembers(factory, request.spec.members));
  ASSIGN_OR_RETURN(std::optional<Predecessor> predecessor,
                   Warm(request, factory, parameters, progress));
  // Where it lay says nothing later.
  request.spec.warm_start = predecessor ? predecessor->hash : std::string();
  ASSIGN_OR_RETURN(Material material, ReadMaterial(request, reader, progress));
  if (predecessor && !request.refit) {
    RETURN_IF_ERROR(CheckUnseen(*predecessor, material));
  }
  const Run run{request,
                factory,
                progress,
                std::move(parameters),
                std::move(material),
                std::move(predecessor)};
  ASSIGN_OR_RETURN(
      PartialRun partial,
      PartialRun::Open(request.out, FingerprintOf(run, ProtocolFingerprint(request.protocol))));
  TrainResult result;
  result.resumed = partial.resumed();
  ASSIGN_OR_RETURN(const Fitted fitted, FitAll(run, partial, result));
  if (progress.cancelled()) {
    return Cancelled("cancelled before the artifact was written");
  }
  ASSIGN_OR_RETURN(result, Finish(run, fitted, std::move(result)));
  partial.Remove();
  return result;
}

std::string TrainResultToJson(const TrainResult& result) {
  nlohmann::ordered_json json = {
      {"artifact", result.dir}, {"hash", result.hash},
      {"model", result.model},  {"fitted_on", result.fitted_on},
      {"rows", result.rows},    {"users", result.users},
      {"items", result.items},  {"validation_cases", result.validation_cases}};
  if (result.validation) {
    json["validation"] = {{fmt::format("ndcg@{}", result.validation_k),
                           {{"mean", result.validation->mean},
                            {"low", result.validation->low},
                            {"high", result.validation->high}}}};
  }
  json["chosen"] = nlohmann::ordered_json(result.chosen);
  json["notes"] = nlohmann::ordered_json(result.notes);
  if (result.warm) {
    json["warm_start"] = {{"from", result.warm->from},
                          {"items_kept", result.warm->kept},
                          {"items_new", result.warm->fresh},
                          {"items_dropped", result.warm->dropped}};
  }
  if (result.fit_cpu_seconds) {
    json["fit_cpu_seconds"] = *result.fit_cpu_seconds;
    json["checks"] = nlohmann::ordered_json::array();
    for (const FitCheck& check : result.checks) {
      json["checks"].push_back({{fmt::format("ndcg@{}", result.validation_k), check.value},
                                {"cpu_seconds", check.cpu_seconds}});
    }
  }
  json["resumed"] = result.resumed;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace vitrine::train
