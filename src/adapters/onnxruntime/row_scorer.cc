#include "adapters/onnxruntime/row_scorer.h"

#include <fmt/format.h>

#include <utility>

#include "graph/artifact_files.h"

namespace vitrine::adapters {

Result<std::unique_ptr<GraphRowScorer>> GraphRowScorer::Load(const std::string& dir,
                                                             serve::ModelRuntime& runtime) {
  ASSIGN_OR_RETURN(const graph::Artifact artifact, graph::OpenArtifact(dir));
  const auto& files = artifact.manifest.files;
  if (artifact.manifest.kind != ModelKind::kRanker && artifact.manifest.kind != ModelKind::kGraph) {
    return InvalidArgument(fmt::format(
        "{}: {} is a {}; labelled rows are judged by a ranker. Cases for it are written under a "
        "protocol that is not labelled",
        dir, artifact.manifest.name, ModelKindName(artifact.manifest.kind)));
  }
  if (!files.contains(std::string(graph::kFeatureSpecFile))) {
    return InvalidArgument(
        fmt::format("{}: {} has no featurespec.json, so nothing says how a row becomes its inputs",
                    dir, artifact.manifest.name));
  }
  std::unique_ptr<GraphRowScorer> scorer(new GraphRowScorer);
  ASSIGN_OR_RETURN(const std::string spec,
                   graph::ReadArtifactFile(artifact, graph::kFeatureSpecFile));
  ASSIGN_OR_RETURN(scorer->features_, data::FeatureSpec::Parse(spec));
  if (files.contains(std::string(graph::kVocabularyFile))) {
    ASSIGN_OR_RETURN(const std::string ids,
                     graph::ReadArtifactFile(artifact, graph::kVocabularyFile));
    ASSIGN_OR_RETURN(scorer->vocabulary_, data::Vocabulary::Parse(ids));
  }
  if (scorer->features_.width() != scorer->vocabulary_.width()) {
    return DataLoss(fmt::format(
        "{}: vocabulary.txt has {} items, featurespec.json was made for {}; the files are not of "
        "one artifact",
        dir, scorer->vocabulary_.ids().size(), scorer->features_.width() - kFirstItem));
  }
  ASSIGN_OR_RETURN(scorer->graph_, runtime.Load(artifact.PathOf(graph::kModelFile), {}));
  ASSIGN_OR_RETURN(scorer->layout_,
                   serve::CandidateLayout::Of(scorer->features_, scorer->graph_->inputs()));
  scorer->manifest_ = artifact.manifest;
  return scorer;
}

Status GraphRowScorer::Score(std::span<const data::FeatureInput> inputs,
                             std::vector<double>& probabilities) const {
  std::vector<Tensor> features;
  std::vector<Tensor> arranged;
  RETURN_IF_ERROR(features_.Apply(inputs, features));
  // What is taken as it is made has a row for each of them; what is not, has one history a run.
  if (layout_.Arrange(features, inputs.size(), arranged).data() == features.data()) {
    std::vector<Tensor> outputs;
    RETURN_IF_ERROR(graph_->Run(features, outputs));
    if (outputs.empty()) {
      return Internal("the model has no output; export it again");
    }
    return serve::ReadCandidateScores(outputs.front(), inputs.size(), probabilities);
  }
  probabilities.clear();
  std::vector<double> one;
  for (const data::FeatureInput& input : inputs) {
    RETURN_IF_ERROR(serve::ScoreCandidates(*graph_, features_, layout_, input, features, one));
    probabilities.insert(probabilities.end(), one.begin(), one.end());
  }
  return Status::Ok();
}

}  // namespace vitrine::adapters
