/// Runs the tasks of a batch as one run of the graph.
#pragma once

#include <vector>

#include "core/tensor.h"
#include "serve/batching/batch_queue.h"

namespace vitrine::serve {

/// Kept by each thread that runs batches, so that joined tensors keep their memory.
struct BatchScratch {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

/// Fills outputs, status and times of every task; does not call Done. Where a joined run fails, each task is
/// run alone, so that one question cannot spoil another's answer. Returns the seconds that it took.
/// Precondition: the batch has tasks, all of one model.
double RunBatch(const Batch& batch, BatchScratch& scratch);

}  // namespace vitrine::serve
