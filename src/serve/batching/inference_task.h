/// One question to a model on its way through a queue.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"
#include "serve/servable.h"

namespace vitrine::serve {

/// Whom a queue serves first.
enum class Priority : std::uint8_t { kHigh, kNormal, kLow };
inline constexpr std::size_t kPriorities = 3;

class InferenceTask;

/// Told of a task's end before the one who submitted it.
class TaskFinisher {
 public:
  virtual ~TaskFinisher() = default;
  virtual void OnFinished(InferenceTask& task) = 0;
};

/// Filled by the caller, who keeps it alive until Done; the queue writes what follows `outputs`.
/// Threads: one owner at a time: the caller until it is submitted, from Done on again.
class InferenceTask {
 public:
  InferenceTask() = default;
  virtual ~InferenceTask() = default;
  InferenceTask(const InferenceTask&) = delete;
  InferenceTask& operator=(const InferenceTask&) = delete;

  /// Makes it as good as new, with the memory of its tensors.
  void Renew() {
    model = nullptr;
    deadline = Deadline::max();
    priority = Priority::kNormal;
    abandoned = false;
    wanted_by_others = false;
    status = Status::Ok();
    batch_rows = 0;
    leads_batch = false;
    cached = false;
  }

  /// Called once, by the thread that ran it or gave it up; must not block. Nobody else touches the task
  /// afterwards.
  virtual void Done() = 0;
  /// Ends it; for queues. The task may be gone when this returns.
  void Finish() {
    if (TaskFinisher* finisher = std::exchange(finisher_, nullptr); finisher != nullptr) {
      finisher->OnFinished(*this);
    }
    Done();
  }
  void set_finisher(TaskFinisher* finisher) { finisher_ = finisher; }
  /// True where it need not be run any more at `now`.
  [[nodiscard]] bool Droppable(Deadline now) const {
    return (deadline < now || abandoned.load(std::memory_order_relaxed)) && !wanted_by_others;
  }

  std::shared_ptr<const Servable> model;
  std::vector<Tensor> inputs;
  Deadline deadline = Deadline::max();  ///< of the start of its run; later it is not run any more
  Priority priority = Priority::kNormal;
  /// Set from any thread where nobody waits for the answer any more.
  std::atomic<bool> abandoned{false};

  /// Others wait for its answer: it is run though its own caller has gone.
  std::atomic<bool> wanted_by_others{false};

  std::vector<Tensor> outputs;
  Status status;
  Deadline queued;
  Deadline begun;  ///< of its run
  Deadline ended;
  std::uint32_t batch_rows = 0;  ///< of all that ran with it; 0: it was not run
  bool leads_batch = false;      ///< one of each batch is, so that batches can be counted
  bool cached = false;           ///< answered without a run of its own

 private:
  friend class BatchQueue;
  TaskFinisher* finisher_ = nullptr;
  InferenceTask* next_ = nullptr;
  std::int64_t rows_ = 0;  // size of the first axis of every input; 0: it runs alone
};

}  // namespace vitrine::serve
