/// One training of a ranker, from labelled rows to an artifact folder: fit on the training part with the
/// validation part watched -> calibrate on the validation part -> fit again on what the protocol's test
/// figures (or a refit) allow -> graph, golden set, references, manifest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/artifact.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/snapshot_reader.h"
#include "train/ranker.h"
#include "train/ranker_set.h"
#include "train/trainer.h"

namespace vitrine::train {

struct RankerResult {
  std::string dir;
  std::string hash;  ///< of the artifact
  std::string model;
  std::string kind;         ///< "ranker", or "graph" of a table
  std::string fitted_on;    ///< "training", "training+validation", "everything"
  std::uint64_t rows = 0;   ///< fitted on
  std::uint64_t users = 0;  ///< with a fitted row; of a table each row is one
  std::uint64_t items = 0;  ///< of the vocabulary
  std::uint64_t validation_rows = 0;
  /// Of the model fitted on training alone, calibrated on these very rows: two numbers are fitted to them.
  std::map<std::string, MetricValue> validation;
  Chosen chosen;
  std::map<std::string, double> notes;
  std::optional<ShownSummary> shown;  ///< where the rows are what was shown
  bool resumed = false;
};

/// Reads the rows of a snapshot under a labelled protocol whose rows are events (what was shown: shown_rows.h).
/// Errors: those of the reader and MakeLabelledSet; kCancelled.
Result<RankerMaterial> ReadRankerMaterial(const std::string& snapshot_dir,
                                          const evaluate::Protocol& protocol,
                                          data::SnapshotReader& reader, const Progress& progress);

/// `request.snapshot_dir` is not looked at: the rows are the material's.
/// Errors: those of MakeRankerSet, the ranker's Fit and WriteRankerPackage; kInvalidArgument (a spec with
///         events, members or validation cases); kAlreadyExists (out stands already); kCancelled (what was
///         done lies in OUT.partial, and the same request goes on from there).
Result<RankerResult> TrainRanker(const TrainRequest& request, const RankerFactory& factory,
                                 const RankerMaterial& material, const Progress& progress);

/// One JSON object, for stdout.
std::string RankerResultToJson(const RankerResult& result);

}  // namespace vitrine::train
