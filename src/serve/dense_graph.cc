#include "serve/dense_graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace vitrine::serve {
namespace {

constexpr std::string_view kScores = "scores";

Status CheckEncoder(const LoadedGraph& encoder, std::size_t width) {
  const bool any = !encoder.outputs().empty();
  const TensorSpec query = any ? encoder.outputs().front() : TensorSpec{};
  if (any && query.dtype == DType::kFloat32 && query.shape.size() == 2 &&
      (query.shape[1] < 0 || query.shape[1] == static_cast<std::int64_t>(width))) {
    return Status::Ok();
  }
  return InvalidArgument(
      fmt::format("the item vectors ask for queries of {} values, float32 [rows, {}]; the model's "
                  "first output is "
                  "{} {} [{}]",
                  width, width, query.name, DTypeName(query.dtype), fmt::join(query.shape, ", ")));
}

// The file's bytes are gone again before the matrix is made of the values.
Result<graph::ItemVectors> ReadVectors(const graph::Artifact& artifact) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   graph::ReadArtifactFile(artifact, graph::kItemVectorsFile));
  return graph::ParseItemVectors(bytes);
}

/// Runs of one thread share this.
struct RunScratch {
  std::vector<Tensor> encoded;
  std::vector<float> queries;
  search::NearestScratch nearest;
};

}  // namespace

DenseGraph::DenseGraph(std::unique_ptr<LoadedGraph> encoder, search::ItemMatrix matrix, bool bias)
    : encoder_(std::move(encoder)),
      items_(std::make_shared<const search::ItemMatrix>(std::move(matrix))),
      outputs_({{.name = std::string(kScores),
                 .dtype = DType::kFloat32,
                 .shape = {-1, static_cast<std::int64_t>(items_.matrix().rows())}}}),
      bias_(bias) {}

Result<std::unique_ptr<DenseGraph>> DenseGraph::Make(std::unique_ptr<LoadedGraph> encoder,
                                                     const graph::ItemVectors& vectors) {
  RETURN_IF_ERROR(CheckEncoder(*encoder, vectors.query_width()));
  ASSIGN_OR_RETURN(search::ItemMatrix matrix,
                   search::ItemMatrix::Make(vectors.values, vectors.rows, vectors.width));
  return std::unique_ptr<DenseGraph>(
      new DenseGraph(std::move(encoder), std::move(matrix), vectors.bias));
}

Status DenseGraph::Encode(std::span<const Tensor> inputs, std::vector<Tensor>& encoded,
                          std::vector<float>& queries) const {
  RETURN_IF_ERROR(encoder_->Run(inputs, encoded));
  const std::size_t width = items_.matrix().width();
  const std::size_t given = width - (bias_ ? 1 : 0);
  const Tensor* query = encoded.empty() ? nullptr : &encoded.front();
  if (query == nullptr || query->dtype() != DType::kFloat32 || query->shape().size() != 2 ||
      query->shape()[1] != static_cast<std::int64_t>(given)) {
    return Internal(fmt::format(
        "the model's first output is {} [{}], its item vectors ask for float32 [rows, "
        "{}]; they are not of one model, or the vectors end with a bias and the model does "
        "not declare the size of its query",
        query == nullptr ? "missing" : DTypeName(query->dtype()),
        fmt::join(query == nullptr ? Shape{} : query->shape(), ", "), given));
  }
  const std::span<const float> values = query->values<float>();
  const auto rows = static_cast<std::size_t>(query->shape()[0]);
  queries.resize(rows * width);
  for (std::size_t row = 0; row < rows; ++row) {
    float* to = queries.data() + row * width;
    std::copy_n(values.data() + row * given, given, to);
    if (bias_) {
      to[given] = 1;
    }
    if (const Status status = search::CheckQuery({to, width}); !status.ok()) {
      return Internal(status.message() + "; train the model again with a lower learning rate");
    }
  }
  return Status::Ok();
}

Status DenseGraph::Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const {
  thread_local RunScratch scratch;
  RETURN_IF_ERROR(Encode(inputs, scratch.encoded, scratch.queries));
  const search::ItemMatrix& matrix = items_.matrix();
  const std::array<std::int64_t, 2> shape = {
      static_cast<std::int64_t>(scratch.queries.size() / matrix.width()),
      static_cast<std::int64_t>(matrix.rows())};
  outputs.resize(1);
  outputs[0].set_name(std::string(kScores));
  outputs[0].Resize(DType::kFloat32, shape);
  return items_.ScoreAll(scratch.queries, scratch.nearest, outputs[0].values<float>());
}

Result<std::unique_ptr<LoadedGraph>> LoadScoringGraph(const graph::Artifact& artifact,
                                                      std::size_t width, ModelRuntime& runtime,
                                                      const RuntimeOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<LoadedGraph> loaded,
                   runtime.Load(artifact.PathOf(graph::kModelFile), options));
  const std::string name(graph::kItemVectorsFile);
  if (!artifact.manifest.files.contains(name)) {
    return loaded;
  }
  const Result<graph::ItemVectors> vectors = ReadVectors(artifact);
  RETURN_IF_ERROR(vectors.status().WithContext(name));
  if (vectors->rows != width) {
    return DataLoss(fmt::format(
        "{}: {} has vectors of {} items, vocabulary.txt names {} (padding and unknown among them); "
        "the files are not of one artifact",
        artifact.dir, name, vectors->rows, width));
  }
  Result<std::unique_ptr<DenseGraph>> dense = DenseGraph::Make(std::move(loaded), *vectors);
  RETURN_IF_ERROR(dense.status().WithContext(name));
  return std::unique_ptr<LoadedGraph>(*std::move(dense));
}

}  // namespace vitrine::serve
