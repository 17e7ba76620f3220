#include "serve/batching/model_pool.h"

#include <algorithm>

#include "serve/batching/run_batch.h"
#include "serve/batching/turn_batcher.h"

namespace vitrine::serve {

ModelPool::ModelPool(QueueLimits limits) : queue_(limits) {
  for (std::size_t i = 0; i < std::max<std::size_t>(limits.workers, 1); ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

ModelPool::~ModelPool() {
  for (std::jthread& worker : workers_) {
    worker.request_stop();
  }
  workers_.clear();
  std::vector<InferenceTask*> left;
  queue_.TakeAll(left);
  for (InferenceTask* task : left) {
    task->status = Unavailable("the server stops");
    task->Finish();
  }
}

Status ModelPool::Submit(InferenceTask& task) {
  {
    const std::scoped_lock lock(mutex_);
    RETURN_IF_ERROR(queue_.Push(task));
    ++submitted_;
  }
  changed_.notify_one();
  return Status::Ok();
}

std::size_t ModelPool::waiting() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

void ModelPool::Work(const std::stop_token& stop) {
  BatchScratch scratch;
  Batch batch;
  std::vector<InferenceTask*> dropped;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    batch.tasks.clear();
    batch.rows = 0;
    Deadline ready_at;
    const bool found = queue_.Take(std::chrono::steady_clock::now(), batch, dropped, ready_at);
    if (!found && dropped.empty()) {
      const auto news = [this, seen = submitted_] { return submitted_ != seen; };
      if (ready_at == Deadline::max()) {
        changed_.wait(lock, stop, news);
      } else {
        changed_.wait_until(lock, stop, ready_at, news);
      }
      continue;
    }
    lock.unlock();
    FinishDropped(dropped);
    if (!found) {
      lock.lock();
      continue;
    }
    const std::shared_ptr<const Servable> model = batch.tasks.front()->model;
    const std::int64_t rows = batch.rows;
    const double seconds = RunBatch(batch, scratch);
    for (InferenceTask* task : batch.tasks) {
      task->Finish();
    }
    lock.lock();
    queue_.Ran(*model, rows, seconds);
  }
}

}  // namespace vitrine::serve
