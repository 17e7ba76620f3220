#include "train/package.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/sha256.h"
#include "graph/builder.h"
#include "graph/check.h"
#include "graph/golden_json.h"
#include "train/golden_set.h"
#include "train/network_weights.h"

namespace vitrine::train {
namespace {
/// The graph reads nothing that serving would not give it.
Status CheckInputs(const graph::ModelSummary& summary, const data::FeatureSpec& features) {
  const std::vector<TensorSpec> made = features.Outputs();
  for (const TensorSpec& input : summary.inputs) {
    const auto at = std::find_if(made.begin(), made.end(),
                                 [&](const TensorSpec& t) { return t.name == input.name; });
    if (at == made.end() || at->dtype != input.dtype || at->shape.size() != input.shape.size()) {
      return Internal(
          fmt::format("the exported graph reads '{}' ({}, {} axes), which the features "
                      "do not make",
                      input.name, DTypeName(input.dtype), input.shape.size()));
    }
  }
  return Status::Ok();
}
}  // namespace

Result<graph::Artifact> WritePackage(const Package& package, const std::string& out) {
  graph::Builder builder(package.spec.model_name());
  RETURN_IF_ERROR(package.model.ExportGraph(builder));
  ASSIGN_OR_RETURN(std::string model, builder.Finish());
  ASSIGN_OR_RETURN(const graph::ModelSummary summary, graph::CheckModel(model));
  RETURN_IF_ERROR(CheckInputs(summary, package.set.features));
  ASSIGN_OR_RETURN(const graph::Golden golden,
                   MakeGolden(package.model, package.set, package.spec.seed));
  ASSIGN_OR_RETURN(std::string golden_json, graph::GoldenToJson(golden));

  Manifest manifest;
  manifest.name = package.spec.model_name();
  manifest.algorithm = package.spec.algorithm;
  manifest.kind = ModelKind::kRetriever;
  manifest.inputs = summary.inputs;
  manifest.outputs = summary.outputs;
  std::map<std::string, std::string> files;
  if (const std::optional<graph::ItemVectors> vectors = package.model.ItemVectors()) {
    ASSIGN_OR_RETURN(files[std::string(graph::kItemVectorsFile)],
                     graph::ItemVectorsToBytes(*vectors));
    // What the artifact answers as a whole; the graph's own output is half of it.
    manifest.outputs = {{.name = golden.output,
                         .dtype = DType::kFloat32,
                         .shape = {-1, static_cast<std::int64_t>(vectors->rows)}}};
  }
  if (package.model.StartsWarm()) {
    files[std::string(kNetworkWeightsFile)] = NetworkWeightsToBytes(package.model.Weights());
  }
  manifest.feature_spec_hash = package.set.features.Hash();
  std::string vocabulary = package.set.vocabulary.ToText();
  manifest.vocabulary_hash = Sha256Hex(vocabulary);
  manifest.vocabulary_size = package.set.vocabulary.ids().size();
  manifest.snapshot = package.material.interactions.snapshot;
  manifest.window_from = package.set.from;
  manifest.window_to = package.set.to;
  manifest.ordinal_time = package.material.interactions.ordinal_time;
  manifest.code_version = package.code_version;
  manifest.seed = package.spec.seed;
  manifest.train_spec = package.train_spec_json;
  manifest.protocol = package.material.protocol.name;
  if (package.validation) {
    manifest.metrics[fmt::format("validation/ndcg@{}", package.spec.validation_k)] =
        *package.validation;
  }
  const bool filtered = package.material.protocol.history == evaluate::HistoryRule::kFiltered;
  ASSIGN_OR_RETURN(manifest.references,
                   MakeReferences(package.model, package.set, filtered, package.spec.seed));
  manifest.parent = package.parent;
  manifest.data_licence = package.spec.data_licence;

  files[std::string(graph::kModelFile)] = std::move(model);
  files[std::string(graph::kFeatureSpecFile)] = package.set.features.ToJson();
  files[std::string(graph::kVocabularyFile)] = std::move(vocabulary);
  files[std::string(graph::kGoldenFile)] = std::move(golden_json);
  return graph::WriteArtifact(out, std::move(manifest), files);
}

}  // namespace vitrine::train
