/// A model that was trained elsewhere becomes an artifact folder: looked at, loaded, run once on zeros, and
/// described by a manifest. What `vitrine model pack` does in a child process under limits.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::adapters {

struct PackOptions {
  std::string source;  ///< a .onnx file, or a model's folder in Triton's layout
  std::string name;    ///< of the model; empty: what Triton's folder says
  std::map<std::string, Shape> sample_shapes;  ///< see Manifest
  /// Files that make its scores those of items, so that scenes can use it; both or neither.
  std::string feature_spec;
  std::string vocabulary;
  /// A .npy file of the item vectors, where the model answers a query vector; row n is of the vocabulary's
  /// line n. One column more than the query has values is each item's bias.
  std::string items;
  ModelKind kind = ModelKind::kRetriever;  ///< what such a model is; kRanker scores candidates
  std::string code_version;
};

/// Writes the artifact to the new folder `to`: a graph, or, with FeatureSpec and vocabulary, a retriever
/// whose golden set is what it scores now for histories made of its own items, or a ranker whose golden
/// set is what it scores for candidates of them.
/// Errors: kInvalidArgument (no name, or a wrong one; the model is refused, or does not run: why, and what
///         to give; item vectors without the two other files, of another number of items or another width),
///         kNotFound, those of graph::CheckModel, graph::ParseNpyMatrix, graph::ReadTritonModel, graph::WriteArtifact.
Result<Manifest> PackModel(const PackOptions& options, const std::string& to);

/// "input=1,32" into its two parts. Errors: kInvalidArgument (another form).
Status AddShape(const std::string& text, std::map<std::string, Shape>& shapes);

}  // namespace vitrine::adapters
