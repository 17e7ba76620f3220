#include "adapters/onnxruntime/graph_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "graph/artifact_files.h"
#include "serve/dense_graph.h"

namespace vitrine::adapters {
namespace {

Status CheckPorts(const serve::LoadedGraph& graph, const data::FeatureSpec& features,
                  std::size_t width) {
  for (const TensorSpec& input : graph.inputs()) {
    const auto& defs = features.defs();
    if (std::none_of(defs.begin(), defs.end(),
                     [&](const data::FeatureDef& def) { return def.name == input.name; })) {
      return InvalidArgument(fmt::format(
          "the model takes the input '{}', which its feature spec does not make", input.name));
    }
  }
  if (graph.outputs().empty()) {
    return InvalidArgument("the model has no output");
  }
  const TensorSpec& scores = graph.outputs().front();
  const bool floating = scores.dtype == DType::kFloat32 || scores.dtype == DType::kFloat64;
  const bool wide = scores.shape.size() == 2 &&
                    (scores.shape[1] < 0 || scores.shape[1] == static_cast<std::int64_t>(width));
  if (!floating || !wide) {
    return InvalidArgument(fmt::format(
        "the model's first output '{}' is not [rows, {}] of float32 or float64: it scores another "
        "vocabulary, or nothing",
        scores.name, width));
  }
  return Status::Ok();
}

}  // namespace

GraphScorer::GraphScorer(std::shared_ptr<const serve::LoadedGraph> graph,
                         std::shared_ptr<const data::FeatureSpec> features, std::size_t width,
                         std::size_t batch)
    : graph_(std::move(graph)),
      features_(std::move(features)),
      scorer_(*graph_, *features_, width),
      batch_(std::max<std::size_t>(batch, 1)) {}

Result<std::unique_ptr<GraphScorer>> GraphScorer::Create(
    std::shared_ptr<const serve::LoadedGraph> graph,
    std::shared_ptr<const data::FeatureSpec> features, std::size_t width, std::size_t batch) {
  RETURN_IF_ERROR(CheckPorts(*graph, *features, width));
  return std::unique_ptr<GraphScorer>(
      new GraphScorer(std::move(graph), std::move(features), width, batch));
}

Status GraphScorer::Score(std::span<const History> histories, std::vector<double>& scores) const {
  if (histories.size() <= batch_) {
    return scorer_.Score(histories, scores);
  }
  scores.resize(histories.size() * width());
  std::vector<double> part;
  for (std::size_t begin = 0; begin < histories.size(); begin += batch_) {
    const std::size_t rows = std::min(batch_, histories.size() - begin);
    RETURN_IF_ERROR(scorer_.Score(histories.subspan(begin, rows), part));
    std::copy(part.begin(), part.end(),
              scores.begin() + static_cast<std::ptrdiff_t>(begin * width()));
  }
  return Status::Ok();
}

Result<LoadedArtifact> LoadArtifact(const std::string& dir, serve::ModelRuntime& runtime,
                                    const serve::RuntimeOptions& options) {
  ASSIGN_OR_RETURN(const graph::Artifact artifact, graph::OpenArtifact(dir));
  if (artifact.manifest.kind != ModelKind::kRetriever) {
    return InvalidArgument(
        fmt::format("{}: {} is a {}; what scores a whole vocabulary is a retriever", dir,
                    artifact.manifest.name, ModelKindName(artifact.manifest.kind)));
  }
  ASSIGN_OR_RETURN(const std::string vocabulary_text,
                   graph::ReadArtifactFile(artifact, graph::kVocabularyFile));
  ASSIGN_OR_RETURN(data::Vocabulary vocabulary, data::Vocabulary::Parse(vocabulary_text));
  ASSIGN_OR_RETURN(const std::string spec_text,
                   graph::ReadArtifactFile(artifact, graph::kFeatureSpecFile));
  ASSIGN_OR_RETURN(data::FeatureSpec features, data::FeatureSpec::Parse(spec_text));
  const std::size_t width = vocabulary.width();
  if (features.width() != width) {
    return DataLoss(fmt::format(
        "{}: vocabulary.txt has {} items, featurespec.json was made for {}; the files are not of "
        "one artifact",
        dir, width - kFirstItem, features.width() - kFirstItem));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<serve::LoadedGraph> graph,
                   serve::LoadScoringGraph(artifact, width, runtime, options));
  LoadedArtifact loaded{.hash = artifact.hash,
                        .manifest = artifact.manifest,
                        .vocabulary = std::make_shared<data::Vocabulary>(std::move(vocabulary)),
                        .features = std::make_shared<data::FeatureSpec>(std::move(features)),
                        .graph = std::move(graph),
                        .scorer = nullptr};
  ASSIGN_OR_RETURN(loaded.scorer, GraphScorer::Create(loaded.graph, loaded.features, width));
  return loaded;
}

}  // namespace vitrine::adapters
