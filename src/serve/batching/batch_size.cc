#include "serve/batching/batch_size.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include <fmt/format.h>

namespace vitrine::serve {
namespace {

/// Of so many runs the fastest counts: what else the machine does can only slow one down.
constexpr int kRuns = 3;

std::vector<Tensor> Repeat(std::span<const Tensor> one_row, std::int64_t rows) {
  std::vector<Tensor> repeated;
  for (const Tensor& row : one_row) {
    Shape shape = row.shape();
    shape.front() = rows;
    Tensor& tensor = repeated.emplace_back(row.name(), row.dtype(), shape);
    for (std::int64_t r = 0; r < rows && !row.bytes().empty(); ++r) {
      std::memcpy(tensor.bytes().data() + static_cast<std::size_t>(r) * row.bytes().size(),
                  row.bytes().data(), row.bytes().size());
    }
  }
  return repeated;
}

Status CheckRows(const std::vector<Tensor>& outputs, std::int64_t rows) {
  for (const Tensor& output : outputs) {
    if (output.shape().empty() || output.shape().front() != rows) {
      return Internal(fmt::format("{} rows went in, the output '{}' has {}", rows, output.name(),
                                  output.shape().empty() ? 0 : output.shape().front()));
    }
  }
  return Status::Ok();
}

Result<double> Fastest(const LoadedGraph& graph, std::span<const Tensor> one_row, std::int64_t rows,
                       TellTime clock, std::vector<Tensor>& outputs) {
  const std::vector<Tensor> inputs = Repeat(one_row, rows);
  RETURN_IF_ERROR(graph.Run(inputs, outputs));  // the first of its size
  RETURN_IF_ERROR(CheckRows(outputs, rows));
  double fastest = kLongest * 1000;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = clock();
    RETURN_IF_ERROR(graph.Run(inputs, outputs));
    const std::chrono::duration<double> taken = clock() - start;
    fastest = std::min(fastest, taken.count());
  }
  return fastest;
}

bool HasRows(const std::vector<TensorSpec>& tensors) {
  return !tensors.empty() && std::all_of(tensors.begin(), tensors.end(), [](const auto& tensor) {
    return tensor.dtype != DType::kString && !tensor.shape.empty() && tensor.shape.front() < 0;
  });
}

}  // namespace

bool CanJoinRows(const LoadedGraph& graph) {
  return HasRows(graph.inputs()) && HasRows(graph.outputs());
}

Result<BatchSize> FindBatchSize(const LoadedGraph& graph, std::span<const Tensor> one_row,
                                std::int64_t most, TellTime clock) {
  std::vector<Tensor> outputs;
  BatchSize found;
  ASSIGN_OR_RETURN(found.seconds, Fastest(graph, one_row, 1, clock, outputs));
  for (std::int64_t rows = 2; rows <= most && found.seconds <= kLongest; rows *= 2) {
    ASSIGN_OR_RETURN(const double seconds, Fastest(graph, one_row, rows, clock, outputs));
    const double before = static_cast<double>(found.rows) / found.seconds;
    if (static_cast<double>(rows) / seconds < kWorthwhile * before) {
      break;
    }
    found = {.rows = rows, .seconds = seconds};
  }
  for (std::int64_t rows = 3; rows < found.rows; ++rows) {
    RETURN_IF_ERROR(graph.Run(Repeat(one_row, rows), outputs));
  }
  return found;
}

}  // namespace vitrine::serve
