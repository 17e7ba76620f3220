#include "train/warm_start.h"

#include <utility>

#include <fmt/format.h>

#include "graph/artifact_files.h"

namespace vitrine::train {

Result<Predecessor> ReadPredecessor(const std::string& dir, const std::string& algorithm) {
  ASSIGN_OR_RETURN(const graph::Artifact artifact, graph::OpenArtifact(dir));
  if (artifact.manifest.algorithm != algorithm) {
    return InvalidArgument(fmt::format(
        "warm start from {}: it is a {}, the train spec a {}; weights of one do not fit "
        "the other",
        dir, artifact.manifest.algorithm, algorithm));
  }
  Predecessor from;
  from.dir = dir;
  from.hash = artifact.hash;
  from.snapshot = artifact.manifest.snapshot;
  from.fitted_to = artifact.manifest.window_to;
  from.ordinal_time = artifact.manifest.ordinal_time;
  const auto read = [&artifact](std::string_view file) {
    return graph::ReadArtifactFile(artifact, file);
  };
  const Result<std::string> weights = read(kNetworkWeightsFile);
  if (weights.status().code() == Code::kNotFound) {
    return InvalidArgument(
        fmt::format("warm start from {}: it was made before artifacts kept {}; train once without "
                    "a warm start",
                    dir, kNetworkWeightsFile));
  }
  RETURN_IF_ERROR(weights.status());
  ASSIGN_OR_RETURN(from.weights, ParseNetworkWeights(*weights));
  ASSIGN_OR_RETURN(const std::string items, read(graph::kItemVectorsFile));
  ASSIGN_OR_RETURN(from.items, graph::ParseItemVectors(items));
  ASSIGN_OR_RETURN(const std::string ids, read(graph::kVocabularyFile));
  ASSIGN_OR_RETURN(from.vocabulary, data::Vocabulary::Parse(ids));
  if (from.items.rows != from.vocabulary.width()) {
    return InvalidArgument(
        fmt::format("warm start from {}: it has {} item vectors for a vocabulary of {}; the folder "
                    "was put together from two",
                    dir, from.items.rows, from.vocabulary.width()));
  }
  return from;
}

Status CheckUnseen(const Predecessor& from, const Material& material) {
  const data::Interactions& rows = material.interactions;
  if (rows.ordinal_time || from.ordinal_time) {
    return rows.snapshot != from.snapshot
               ? Status::Ok()
               : InvalidArgument(fmt::format(
                     "warm start from {}: it was fitted on this very snapshot, so that it may know "
                     "what is held out; start from a version of an earlier snapshot, or with "
                     "--refit",
                     from.dir));
  }
  std::size_t held = 0;
  std::size_t seen = 0;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const evaluate::Part part = material.split.part[row];
    if (part == evaluate::Part::kValidation || part == evaluate::Part::kTest) {
      ++held;
      seen += rows.ts[row] <= from.fitted_to ? 1 : 0;
    }
  }
  return seen == 0 ? Status::Ok()
                   : InvalidArgument(fmt::format(
                         "warm start from {}: it was fitted on rows until {}, and {} of {} rows "
                         "that are held out now are not newer; its figures would be of what it has "
                         "seen. Use a protocol that splits by time after that (newest-days), or "
                         "train without a warm start",
                         from.dir, FormatIso(from.fitted_to), seen, held));
}

WarmStart MapItems(const Predecessor& from, const data::Vocabulary& vocabulary) {
  WarmStart warm{.from = from, .row = std::vector<ItemIndex>(vocabulary.width(), kPaddingItem)};
  for (std::size_t i = 0; i < vocabulary.ids().size(); ++i) {
    const ItemIndex row = from.vocabulary.Find(vocabulary.ids()[i]);
    if (row >= kFirstItem) {
      warm.row[i + kFirstItem] = row;
      ++warm.kept;
    }
  }
  warm.fresh = vocabulary.ids().size() - warm.kept;
  warm.dropped = from.vocabulary.ids().size() - warm.kept;
  return warm;
}

}  // namespace vitrine::train
