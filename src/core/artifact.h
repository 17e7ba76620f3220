/// What an artifact says of itself: the manifest beside every model file.
/// Layout of an artifact folder (immutable; named by the sha256 of manifest.json):
///   manifest.json  this struct; holds the sha256 of every other file
///   model.onnx     the graph
///   items.f32      item vectors, where the graph answers a query vector (graph/item_vectors.h)
///   featurespec.json, vocabulary.txt (an item id a line; line n is ItemIndex n + 2), golden.json:
///   of what scores items; a graph has none of them
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "core/time.h"

namespace vitrine {

/// kGraph: asked by its tensors alone; no scene can name it.
enum class ModelKind : std::uint8_t { kRetriever, kRanker, kEncoder, kIndex, kGraph };
std::string_view ModelKindName(ModelKind kind);
/// True of what an alias, and so a scene, may name.
constexpr bool ServesScenes(ModelKind kind) {
  return kind == ModelKind::kRetriever || kind == ModelKind::kRanker;
}

struct TensorSpec {
  std::string name;
  DType dtype = DType::kFloat32;
  Shape shape;  ///< -1 where the size is free
};

/// A metric's mean and its 95 % bootstrap interval.
struct MetricValue {
  double mean = 0;
  double low = 0;
  double high = 0;
};

/// Frozen at training: bin edges and shares of one served feature or of the scores.
/// Numeric: bin b is (edges[b-1], edges[b]], first and last open; shares has edges.size() + 1 bins.
/// Categorical: levels named in `levels`, the last bin is "other".
struct ReferenceHistogram {
  std::string feature;
  std::vector<double> edges;
  std::vector<std::string> levels;
  std::vector<double> shares;
  std::uint64_t rows = 0;
};

struct Manifest {
  int format = 1;
  std::string name;       ///< model name: "sasrec", "item-knn"
  std::string algorithm;  ///< file under train/models that made it
  ModelKind kind = ModelKind::kRetriever;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::map<std::string, std::string> files;  ///< file name -> sha256
  std::string feature_spec_hash;
  std::string vocabulary_hash;
  std::uint64_t vocabulary_size = 0;
  std::string snapshot;  ///< snapshot hash
  Micros window_from;
  Micros window_to;
  bool ordinal_time = false;
  std::string code_version;
  std::uint64_t seed = 0;
  std::string train_spec;                      ///< the TrainSpec as JSON text
  std::string protocol;                        ///< name of the evaluation protocol
  std::map<std::string, MetricValue> metrics;  ///< "ndcg@10", "not_same_day/ndcg@10"
  std::vector<ReferenceHistogram> references;
  std::string parent;  ///< ModelVersion this one was derived from, "name:number"
  std::string data_licence;
  std::map<std::string, Shape>
      sample_shapes;          ///< input -> shape of a run that works; else 1 a free size
  std::int64_t max_rows = 0;  ///< most of a first axis in one run; 0: no bound
};

}  // namespace vitrine
