#include "serve/servable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace vitrine::serve {
namespace {

constexpr std::size_t kEmptyTextBytes = sizeof(std::string_view) + sizeof(std::uint32_t);

/// The shape to run an input with.
Result<Shape> SampleShape(const Manifest& manifest, const TensorSpec& input) {
  Shape shape = input.shape;
  const auto given = manifest.sample_shapes.find(input.name);
  if (given == manifest.sample_shapes.end()) {
    std::replace_if(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; }, 1);
    return shape;
  }
  bool fits = given->second.size() == shape.size();
  for (std::size_t axis = 0; fits && axis < shape.size(); ++axis) {
    const std::int64_t size = given->second[axis];
    fits = size >= 0 && (shape[axis] < 0 || shape[axis] == size);
  }
  if (!fits) {
    return InvalidArgument(fmt::format("the input '{}' is [{}], a run with [{}] does not fit it",
                                       input.name, fmt::join(shape, ", "),
                                       fmt::join(given->second, ", ")));
  }
  return given->second;
}

/// Bytes of a tensor; more than kMaxSampleBytes where it does not matter by how much.
std::size_t BytesOf(const Shape& shape, DType type) {
  std::size_t bytes = type == DType::kString ? kEmptyTextBytes : SizeOf(type);
  for (const std::int64_t size : shape) {
    if (size > 0 && bytes > kMaxSampleBytes / static_cast<std::size_t>(size)) {
      return kMaxSampleBytes + 1;
    }
    bytes *= static_cast<std::size_t>(size);
  }
  return bytes;
}

}  // namespace

Result<std::vector<Tensor>> SampleInputs(const Manifest& manifest,
                                         const std::vector<TensorSpec>& inputs) {
  for (const auto& given : manifest.sample_shapes) {
    if (std::none_of(inputs.begin(), inputs.end(),
                     [&](const TensorSpec& input) { return input.name == given.first; })) {
      return InvalidArgument(
          fmt::format("a shape is given for '{}', the model has no such input", given.first));
    }
  }
  std::vector<Tensor> sample;
  std::size_t bytes = 0;
  for (const TensorSpec& input : inputs) {
    ASSIGN_OR_RETURN(Shape shape, SampleShape(manifest, input));
    bytes += BytesOf(shape, input.dtype);
    if (bytes > kMaxSampleBytes) {
      return InvalidArgument(fmt::format(
          "the inputs of one run are larger than {} MB; give smaller shapes for the free "
          "sizes of '{}'",
          kMaxSampleBytes >> 20, input.name));
    }
    if (input.dtype == DType::kString) {
      const std::vector<std::string_view> empty(static_cast<std::size_t>(ElementCount(shape)));
      sample.emplace_back(input.name, DType::kString, Shape{0}).SetStrings(shape, empty);
    } else {
      sample.emplace_back(input.name, input.dtype, std::move(shape));
    }
  }
  return sample;
}

Servable::Servable(std::string version, Manifest manifest, std::unique_ptr<LoadedGraph> graph)
    : version_(std::move(version)), manifest_(std::move(manifest)), graph_(std::move(graph)) {}

Status Servable::WarmUp(std::span<const Tensor> one_row, std::int64_t most_rows) {
  std::vector<Tensor> outputs;
  RETURN_IF_ERROR(graph_->Run(one_row, outputs));
  // Not the first run of its kind any more: this one says what a request costs.
  const auto start = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(graph_->Run(one_row, outputs));
  warm_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  batch_ = {.rows = 1, .seconds = warm_seconds_};
  if (most_rows > 1 && CanJoinRows(*graph_)) {
    ASSIGN_OR_RETURN(batch_, FindBatchSize(*graph_, one_row, most_rows));
  }
  return Status::Ok();
}

Status Servable::WarmBySample(std::int64_t most_rows) {
  ASSIGN_OR_RETURN(const std::vector<Tensor> sample, SampleInputs(manifest_, graph_->inputs()));
  const bool one_row = std::all_of(sample.begin(), sample.end(), [](const Tensor& tensor) {
    return !tensor.shape().empty() && tensor.shape().front() == 1;
  });
  return WarmUp(sample, one_row ? std::min(most_rows, manifest_.max_rows) : 1);
}

Result<std::shared_ptr<const Servable>> Servable::Make(std::string version, Manifest manifest,
                                                       std::unique_ptr<LoadedGraph> graph,
                                                       std::int64_t most_rows) {
  const std::shared_ptr<Servable> servable(
      new Servable(std::move(version), std::move(manifest), std::move(graph)));
  RETURN_IF_ERROR(servable->WarmBySample(most_rows).WithContext("version " + servable->version()));
  return std::shared_ptr<const Servable>(servable);
}

}  // namespace vitrine::serve
