#include "serve/batching/run_batch.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>

namespace vitrine::serve {
namespace {

using Clock = std::chrono::steady_clock;

std::size_t RowBytes(const Tensor& tensor, std::int64_t rows) {
  return tensor.bytes().size() / static_cast<std::size_t>(rows);
}

/// The inputs of all tasks, one after the other along the first axis.
void Join(const Batch& batch, std::vector<Tensor>& joined) {
  const std::vector<Tensor>& first = batch.tasks.front()->inputs;
  joined.resize(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    joined[i].set_name(first[i].name());
    Shape shape = first[i].shape();
    shape.front() = batch.rows;
    joined[i].Resize(first[i].dtype(), shape);
    std::byte* to = joined[i].bytes().data();
    for (const InferenceTask* task : batch.tasks) {
      const std::span<const std::byte> from = task->inputs[i].bytes();
      if (!from.empty()) {
        std::memcpy(to, from.data(), from.size());
        to += from.size();
      }
    }
  }
}

/// Gives each task its rows of each output. False where an output has not a row for each row that went in.
bool Split(const std::vector<Tensor>& joined, const Batch& batch) {
  for (const Tensor& output : joined) {
    if (output.dtype() == DType::kString || output.shape().empty() ||
        output.shape().front() != batch.rows) {
      return false;
    }
  }
  std::int64_t row = 0;
  for (InferenceTask* task : batch.tasks) {
    const std::int64_t rows = task->inputs.front().shape().front();
    task->outputs.resize(joined.size());
    for (std::size_t o = 0; o < joined.size(); ++o) {
      Tensor& output = task->outputs[o];
      output.set_name(joined[o].name());
      Shape shape = joined[o].shape();
      shape.front() = rows;
      output.Resize(joined[o].dtype(), shape);
      const std::size_t bytes = RowBytes(joined[o], batch.rows);
      if (!output.bytes().empty()) {
        std::memcpy(output.bytes().data(),
                    joined[o].bytes().data() + static_cast<std::size_t>(row) * bytes,
                    output.bytes().size());
      }
    }
    row += rows;
  }
  return true;
}

/// What a graph throws is its own failure, not the thread's.
Status Run(const LoadedGraph& graph, std::span<const Tensor> inputs, std::vector<Tensor>& outputs) {
  try {
    return graph.Run(inputs, outputs);
  } catch (const std::exception& e) {
    return Internal(e.what());
  }
}

bool RunJoined(const Batch& batch, BatchScratch& scratch) {
  try {
    Join(batch, scratch.inputs);
    return Run(batch.tasks.front()->model->graph(), scratch.inputs, scratch.outputs).ok() &&
           Split(scratch.outputs, batch);
  } catch (const std::exception&) {
    return false;  // no memory for all of them at once; perhaps for one after the other
  }
}

}  // namespace

double RunBatch(const Batch& batch, BatchScratch& scratch) {
  const Clock::time_point begun = Clock::now();
  const bool together = batch.tasks.size() > 1 && RunJoined(batch, scratch);
  for (InferenceTask* task : batch.tasks) {
    task->status = together ? Status::Ok() : Run(task->model->graph(), task->inputs, task->outputs);
  }
  const Clock::time_point ended = Clock::now();
  for (InferenceTask* task : batch.tasks) {
    task->begun = begun;
    task->ended = ended;
    task->leads_batch = !together || task == batch.tasks.front();
    task->batch_rows = static_cast<std::uint32_t>(
        together || batch.tasks.size() == 1 ? std::max<std::int64_t>(batch.rows, 1) : 1);
  }
  return std::chrono::duration<double>(ended - begun).count();
}

}  // namespace vitrine::serve
