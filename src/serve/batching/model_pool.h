/// The threads that run large models, one pool for the process: a core each, shared fairly between models.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "core/status.h"
#include "serve/batching/fair_queue.h"

namespace vitrine::serve {

/// Threads: any.
class ModelPool {
 public:
  /// `limits.workers` threads, at least one.
  explicit ModelPool(QueueLimits limits);
  /// Ends what waits with kUnavailable; waits for what runs.
  ~ModelPool();
  ModelPool(const ModelPool&) = delete;
  ModelPool& operator=(const ModelPool&) = delete;

  /// The task's Done is called on a thread of the pool.
  /// Errors: as FairQueue::Push.
  Status Submit(InferenceTask& task);

  [[nodiscard]] std::size_t waiting() const;

 private:
  void Work(const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  FairQueue queue_;
  std::uint64_t submitted_ = 0;
  std::vector<std::jthread> workers_;  // last: they use all of the above
};

}  // namespace vitrine::serve
