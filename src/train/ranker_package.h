/// From a fitted ranker to an artifact folder.
#pragma once

#include <map>
#include <string>

#include "core/artifact.h"
#include "core/status.h"
#include "graph/artifact_files.h"
#include "train/calibration.h"
#include "train/ranker.h"
#include "train/ranker_set.h"
#include "train/train_spec.h"

namespace vitrine::train {

struct RankerPackage {
  const TrainableRanker& ranker;
  const Calibration& calibration;
  const RankerSet& set;
  const RankerMaterial& material;
  const TrainSpec& spec;
  std::string train_spec_json;
  std::map<std::string, MetricValue> validation;  ///< "auc", "log_loss", ...
  std::string parent;
  std::string code_version;
};

/// The graph ends with the calibrated `probability` [batch]. With items the artifact is a ranker: golden
/// set of rows drawn by the seed, references of the features. Without (a table) it is a graph, which is
/// asked by its tensors; its featurespec.json says how a row becomes them.
/// Errors: those of WriteLogit, CheckModel and WriteArtifact; kInternal (a probability that is no number).
Result<graph::Artifact> WriteRankerPackage(const RankerPackage& package, const std::string& out);

}  // namespace vitrine::train
