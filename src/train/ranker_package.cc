#include "train/ranker_package.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/sha256.h"
#include "data/reference_histograms.h"
#include "evaluate/labelled_set.h"
#include "graph/builder.h"
#include "graph/check.h"
#include "graph/golden_json.h"
#include "train/golden_set.h"
#include "train/ranker_scorer.h"

namespace vitrine::train {
namespace {
constexpr const char* kOutput = "probability";

/// At most `count` places of fitted rows, in an order drawn by the seed.
std::vector<std::size_t> DrawPlaces(const RankerSet& set, std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> places = set.places;
  std::mt19937_64 random(seed);
  count = std::min(count, places.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(places[i], places[i + random() % (places.size() - i)]);
  }
  places.resize(count);
  return places;
}

std::vector<data::FeatureInput> InputsAt(const evaluate::RowInputs& inputs,
                                         const std::vector<std::size_t>& places) {
  std::vector<data::FeatureInput> out;
  for (const std::size_t place : places) {
    out.push_back(inputs.Of(place));
  }
  return out;
}

/// One run over rows of many users: a row stands as a candidate.
Result<graph::Golden> GoldenOf(const RankerPackage& package, const evaluate::RowInputs& rows,
                               const graph::ModelSummary& summary) {
  const auto inputs = InputsAt(rows, DrawPlaces(package.set, kGoldenRows, package.spec.seed));
  graph::Golden golden;
  golden.output = kOutput;
  RETURN_IF_ERROR(package.set.features.Apply(inputs, golden.inputs));
  std::erase_if(golden.inputs, [&summary](const Tensor& tensor) {
    return std::none_of(summary.inputs.begin(), summary.inputs.end(),
                        [&](const TensorSpec& input) { return input.name == tensor.name(); });
  });
  std::vector<double> probabilities;
  const RankerScorer scorer(package.ranker, package.set.features, package.calibration);
  RETURN_IF_ERROR(scorer.Score(inputs, probabilities));
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (!std::isfinite(probabilities[i])) {
      return Internal(fmt::format("the probability of golden row {} is no number", i));
    }
  }
  probabilities.insert(probabilities.begin(), kFirstItem, 0);
  golden.rows.push_back(graph::TopOf(probabilities));
  return golden;
}

/// Of the features of fitted rows. Scores have none: which candidates a scene will have is not known here.
Result<std::vector<ReferenceHistogram>> ReferencesOf(const RankerPackage& package,
                                                     const evaluate::RowInputs& rows) {
  const data::ServedValues watched(package.set.features);
  std::vector<std::vector<double>> values(watched.series().size());
  const auto inputs = InputsAt(rows, DrawPlaces(package.set, kReferenceRows, package.spec.seed));
  std::vector<Tensor> tensors;
  RETURN_IF_ERROR(package.set.features.Apply(inputs, tensors));
  watched.Read(tensors,
               [&values](std::size_t series, double value) { values[series].push_back(value); });
  std::vector<ReferenceHistogram> references;
  for (std::size_t s = 0; s < values.size(); ++s) {
    references.push_back(data::FreezeHistogram(watched.series()[s], std::move(values[s])));
  }
  return references;
}

Manifest ManifestOf(const RankerPackage& package, const graph::ModelSummary& summary) {
  Manifest manifest;
  manifest.name = package.spec.model_name();
  manifest.algorithm = package.spec.algorithm;
  manifest.kind = package.material.has_items() ? ModelKind::kRanker : ModelKind::kGraph;
  manifest.inputs = summary.inputs;
  manifest.outputs = summary.outputs;
  manifest.feature_spec_hash = package.set.features.Hash();
  manifest.snapshot = package.material.set.snapshot;
  manifest.window_from = package.set.from;
  manifest.window_to = package.set.to;
  manifest.ordinal_time = package.material.set.ordinal_time;
  manifest.code_version = package.code_version;
  manifest.seed = package.spec.seed;
  manifest.train_spec = package.train_spec_json;
  manifest.protocol = package.material.protocol.name;
  for (const auto& [name, value] : package.validation) {
    manifest.metrics["validation/" + name] = value;
  }
  manifest.parent = package.parent;
  manifest.data_licence = package.spec.data_licence;
  return manifest;
}
}  // namespace

Result<graph::Artifact> WriteRankerPackage(const RankerPackage& package, const std::string& out) {
  graph::Builder builder(package.spec.model_name());
  ASSIGN_OR_RETURN(const graph::Value logit, package.ranker.WriteLogit(builder));
  builder.Output(kOutput, WriteCalibrated(builder, logit, package.calibration), DType::kFloat32,
                 {"batch"});
  ASSIGN_OR_RETURN(std::string model, builder.Finish());
  ASSIGN_OR_RETURN(const graph::ModelSummary summary, graph::CheckModel(model));
  Manifest manifest = ManifestOf(package, summary);
  std::map<std::string, std::string> files;
  files[std::string(graph::kModelFile)] = std::move(model);
  files[std::string(graph::kFeatureSpecFile)] = package.set.features.ToJson();
  if (package.material.has_items()) {
    const evaluate::RowInputs rows(package.material.set, package.set.vocabulary);
    ASSIGN_OR_RETURN(const graph::Golden golden, GoldenOf(package, rows, summary));
    ASSIGN_OR_RETURN(files[std::string(graph::kGoldenFile)], graph::GoldenToJson(golden));
    ASSIGN_OR_RETURN(manifest.references, ReferencesOf(package, rows));
    std::string vocabulary = package.set.vocabulary.ToText();
    manifest.vocabulary_hash = Sha256Hex(vocabulary);
    manifest.vocabulary_size = package.set.vocabulary.ids().size();
    files[std::string(graph::kVocabularyFile)] = std::move(vocabulary);
  }
  return graph::WriteArtifact(out, std::move(manifest), files);
}

}  // namespace vitrine::train
