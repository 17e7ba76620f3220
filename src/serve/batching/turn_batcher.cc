#include "serve/batching/turn_batcher.h"

#include <chrono>

#include <fmt/format.h>

namespace vitrine::serve {

void FinishDropped(std::vector<InferenceTask*>& dropped) {
  for (InferenceTask* task : dropped) {
    task->begun = task->ended = std::chrono::steady_clock::now();
    task->status = task->abandoned.load()
                       ? Cancelled("the client left")
                       : DeadlineExceeded(fmt::format(
                             "the request waited for {} longer than its timeout, and was not run",
                             task->model->version()));
    task->Finish();
  }
  dropped.clear();
}

TurnBatcher::~TurnBatcher() {
  queue_.TakeAll(dropped_);
  for (InferenceTask* task : dropped_) {
    task->status = Unavailable("the server stops");
    task->Finish();
  }
}

Result<bool> TurnBatcher::Park(InferenceTask& task) {
  RETURN_IF_ERROR(queue_.Push(task));
  const bool first = !due_;
  due_ = true;
  return first;
}

bool TurnBatcher::RunOne() {
  batch_.tasks.clear();
  batch_.rows = 0;
  Deadline ready_at;
  const bool found = queue_.Take(std::chrono::steady_clock::now(), batch_, dropped_, ready_at);
  FinishDropped(dropped_);
  if (found) {
    // Held here: the tasks, and with them the model, are gone once they are done.
    const std::shared_ptr<const Servable> model = batch_.tasks.front()->model;
    queue_.Ran(*model, batch_.rows, RunBatch(batch_, scratch_));
    for (InferenceTask* task : batch_.tasks) {
      task->Finish();
    }
  }
  due_ = !queue_.empty();
  return due_;
}

}  // namespace vitrine::serve
