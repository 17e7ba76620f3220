/// A version by its tensors: a graph that is loaded and warm, and what its manifest says of it. Any ONNX
/// model is one; what scenes need around a graph stands in ServedModel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "serve/model_runtime.h"

namespace vitrine::serve {

/// Threads: immutable; shared by all requests.
class Servable {
 public:
  /// Warms the graph with SampleInputs. `version`: "name:number".
  /// Errors: kInvalidArgument (sample_shapes that do not fit, a run refused), kInternal (a run failed).
  static Result<std::shared_ptr<const Servable>> Make(std::string version, Manifest manifest,
                                                      std::unique_ptr<LoadedGraph> graph);
  virtual ~Servable() = default;
  Servable(const Servable&) = delete;
  Servable& operator=(const Servable&) = delete;

  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const LoadedGraph& graph() const { return *graph_; }
  /// Seconds of one request, as measured by the warm-up.
  [[nodiscard]] double warm_seconds() const { return warm_seconds_; }

 protected:
  Servable(std::string version, Manifest manifest, std::unique_ptr<LoadedGraph> graph);

  double warm_seconds_ = 0;

 private:
  Status WarmBySample();

  std::string version_;
  Manifest manifest_;
  std::unique_ptr<LoadedGraph> graph_;
};

/// Zeros (empty texts) for every input: of the shape that the manifest gives it, else with each free size
/// as 1.
/// Errors: kInvalidArgument (a shape of an input that the graph does not have, of another rank, that
///         changes a fixed size, or is larger than kMaxSampleBytes in all).
Result<std::vector<Tensor>> SampleInputs(const Manifest& manifest,
                                         const std::vector<TensorSpec>& inputs);

inline constexpr std::size_t kMaxSampleBytes = std::size_t{256} << 20;

}  // namespace vitrine::serve
