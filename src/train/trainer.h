/// One training from snapshot to artifact folder: read -> split -> fit on the training part and
/// validate -> fit again on what the protocol's test figures (or a refit) allow -> golden set,
/// references, graph, manifest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/snapshot_reader.h"
#include "evaluate/protocol.h"
#include "train/fit_course.h"
#include "train/model.h"
#include "train/train_spec.h"

namespace vitrine::train {

struct TrainRequest {
  std::string snapshot_dir;
  TrainSpec spec;
  evaluate::Protocol protocol;
  std::string out;               ///< the artifact folder; must not exist
  bool refit = false;            ///< fit what is shipped on everything; needs no test figures
  std::optional<Chosen> chosen;  ///< from an earlier version of the same spec: no selecting fit
  std::string parent;            ///< "name:number" that the new version derives from
  std::string code_version;
};

struct TrainResult {
  std::string dir;
  std::string hash;  ///< of the artifact
  std::string model;
  std::string fitted_on;    ///< "training", "training+validation", "everything"
  std::uint64_t rows = 0;   ///< fitted on
  std::uint64_t users = 0;  ///< with a fitted row
  std::uint64_t items = 0;  ///< of the vocabulary
  std::uint64_t validation_cases = 0;
  std::optional<MetricValue> validation;  ///< NDCG@k of the model fitted on training alone
  int validation_k = 10;
  Chosen chosen;
  std::map<std::string, double> notes;
  /// Of a fit that started from an earlier version: its items, and the artifact's hash.
  struct Warm {
    std::string from;
    std::uint64_t kept = 0;
    std::uint64_t fresh = 0;
    std::uint64_t dropped = 0;
  };
  std::optional<Warm> warm;
  /// Of the fit on the training part, where this run made one: its CPU seconds without reading, validation and
  /// packaging, and the values that the model asked for along the way (a network: one each `validate_every`
  /// epochs). Of a run that went on from a checkpoint: of what it did itself.
  std::optional<double> fit_cpu_seconds;
  std::vector<FitCheck> checks;
  bool resumed = false;
};

/// A spec's warm_start is read for models that start warm; the others are fitted from nothing, as ever.
/// Errors: those of ReadPredecessor, CheckUnseen, the reader, MakeSplit, Resolve, FeatureSpec::Fit, the model's Fit and
///         WriteArtifact; kAlreadyExists (out stands already); kCancelled (progress.stop: what was
///         done lies in OUT.partial, and the same request goes on from there).
Result<TrainResult> Train(const TrainRequest& request, const ModelFactory& factory,
                          data::SnapshotReader& reader, const Progress& progress);

/// One JSON object, for stdout.
std::string TrainResultToJson(const TrainResult& result);

}  // namespace vitrine::train
