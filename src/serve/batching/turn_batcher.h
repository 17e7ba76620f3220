/// Runs small models on the thread of an event loop: what a turn of the loop brought in runs together at
/// its end. An idle server answers at once, a busy one in batches, and no request changes threads.
#pragma once

#include <vector>

#include "core/status.h"
#include "serve/batching/fair_queue.h"
#include "serve/batching/run_batch.h"

namespace vitrine::serve {

/// Threads: one; tasks are done on it.
class TurnBatcher {
 public:
  explicit TurnBatcher(QueueLimits limits) : queue_(limits) {}
  ~TurnBatcher();
  TurnBatcher(const TurnBatcher&) = delete;
  TurnBatcher& operator=(const TurnBatcher&) = delete;

  /// True where the first task came to an empty queue: RunOne is due at the end of the turn.
  /// Errors: as FairQueue::Push.
  Result<bool> Park(InferenceTask& task);

  /// Runs one batch and finishes its tasks. True where more wait, so that it is due again after the loop
  /// has looked for new requests.
  bool RunOne();

 private:
  FairQueue queue_;
  Batch batch_;
  std::vector<InferenceTask*> dropped_;
  BatchScratch scratch_;
  bool due_ = false;
};

/// Ends tasks that were given up: late or abandoned ones, with the status that says so.
void FinishDropped(std::vector<InferenceTask*>& dropped);

}  // namespace vitrine::serve
