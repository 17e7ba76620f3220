/// A version by its tensors: a graph that is loaded and warm, and what its manifest says of it. Any ONNX
/// model is one; what scenes need around a graph stands in ServedModel.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "serve/batching/batch_size.h"
#include "serve/model_runtime.h"

namespace vitrine::serve {

/// Threads: immutable; shared by all requests.
class Servable {
 public:
  /// Warms the graph with SampleInputs. `version`: "name:number". Requests are joined, up to `most_rows`,
  /// where the manifest says that the first axis is one of rows (max_rows) and it pays.
  /// Errors: kInvalidArgument (sample_shapes that do not fit, a run refused), kInternal (a run failed).
  static Result<std::shared_ptr<const Servable>> Make(std::string version, Manifest manifest,
                                                      std::unique_ptr<LoadedGraph> graph,
                                                      std::int64_t most_rows = 1);
  virtual ~Servable() = default;
  Servable(const Servable&) = delete;
  Servable& operator=(const Servable&) = delete;

  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const LoadedGraph& graph() const { return *graph_; }
  /// Seconds of one request, as measured by the warm-up.
  [[nodiscard]] double warm_seconds() const { return warm_seconds_; }
  /// Rows of several requests that run together at most; 1: each request runs alone.
  [[nodiscard]] std::int64_t batch_rows() const { return batch_.rows; }
  /// Seconds of a run of that many rows, as measured by the warm-up.
  [[nodiscard]] double batch_seconds() const { return batch_.seconds; }

 protected:
  Servable(std::string version, Manifest manifest, std::unique_ptr<LoadedGraph> graph);

  /// Runs the graph on a request of one row until it is warm at every size that requests will be joined
  /// to, and takes the time. Errors: the graph's.
  Status WarmUp(std::span<const Tensor> one_row, std::int64_t most_rows);
  void set_batch(BatchSize batch) { batch_ = batch; }
  void set_warm_seconds(double seconds) { warm_seconds_ = seconds; }

 private:
  Status WarmBySample(std::int64_t most_rows);

  std::string version_;
  Manifest manifest_;
  std::unique_ptr<LoadedGraph> graph_;
  double warm_seconds_ = 0;
  BatchSize batch_;
};

/// Zeros (empty texts) for every input: of the shape that the manifest gives it, else with each free size
/// as 1.
/// Errors: kInvalidArgument (a shape of an input that the graph does not have, of another rank, that
///         changes a fixed size, or is larger than kMaxSampleBytes in all).
Result<std::vector<Tensor>> SampleInputs(const Manifest& manifest,
                                         const std::vector<TensorSpec>& inputs);

inline constexpr std::size_t kMaxSampleBytes = std::size_t{256} << 20;

}  // namespace vitrine::serve
