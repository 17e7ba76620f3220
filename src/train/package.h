/// From a fitted model to an artifact folder.
#pragma once

#include <optional>
#include <string>

#include "core/artifact.h"
#include "core/status.h"
#include "graph/artifact_files.h"
#include "train/model.h"
#include "train/train_spec.h"
#include "train/training_set.h"

namespace vitrine::train {

struct Package {
  const TrainableModel& model;
  const TrainingSet& set;
  const Material& material;
  const TrainSpec& spec;
  std::string train_spec_json;
  std::optional<MetricValue> validation;
  std::string parent;
  std::string code_version;
};

/// Exports and checks the graph, makes the golden set and the references, writes everything.
/// Errors: those of ExportGraph, CheckModel, MakeGolden and WriteArtifact; kInternal (the graph wants
///         an input that the FeatureSpec does not make).
Result<graph::Artifact> WritePackage(const Package& package, const std::string& out);

}  // namespace vitrine::train
